"""Mapping: which column is which field, and when to ask."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from tunesmith import catalog
from tunesmith.data import mapping, source
from tunesmith.data.forms.text_label import TextLabel
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.fields import Broken, Record, row_key

FORM = TextLabel()
SHARED = Path(os.environ.get("TUNESMITH_SHARED") or Path(__file__).parents[3] / "shared")

# file, what the user gives, columns that must be found or the code of the refusal and what it must name
REAL: list[tuple[str, dict[str, str], dict[str, str] | tuple[str, ...]]] = [
    ("banking77/train.jsonl.gz", {}, {"text": "text", "label": "label"}),
    ("banking77/test.jsonl.gz", {}, {"text": "text", "label": "label"}),
    ("sms-spam/all.jsonl.gz", {}, {"text": "text", "label": "label"}),
    ("unfair-tos/all.jsonl.gz", {}, {"text": "text", "label": "label"}),
    ("pubmedqa-labeled/all.jsonl.gz", {}, {"text": "question", "label": "answer"}),
    ("pubmedqa-labeled/all.jsonl.gz", {"text": "long_answer"}, {"text": "long_answer", "label": "answer"}),
    (
        "pubmedqa-labeled/all.jsonl.gz",
        {"text": "question", "label": "answer"},
        {"text": "question", "label": "answer"},
    ),
    ("bitext-support/all.jsonl.gz", {}, ("M202", "'intent'", "'category'")),
    ("bitext-support/all.jsonl.gz", {"label": "intent"}, {"text": "instruction", "label": "intent"}),
]


@pytest.mark.parametrize(("name", "given", "wanted"), REAL)
def test_real_sets(name: str, given: dict[str, str], wanted: dict[str, str] | tuple[str, ...]) -> None:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is not here: set TUNESMITH_SHARED to the folder of shared data")
    found = source.sniff(path)
    if isinstance(wanted, dict):
        columns = mapping.infer(found, FORM, given)
        assert columns.columns == wanted
        assert all(confidence > 0.5 for confidence in columns.confidence.values())
        assert all(columns.confidence[field] == 1 for field in given)
        return
    with pytest.raises(DataError) as caught:
        mapping.infer(found, FORM, given)
    assert caught.value.code == wanted[0]
    assert all(word in caught.value.found for word in wanted[1:])
    assert "--label" in caught.value.fixes[0]


TEXTS = [
    "text",
    "Body",
    "message",
    "ticket_text",
    "Customer Message",
    "sentence",
    "REVIEW",
    "description",
    "comment",
]
CLASSES = [
    "label",
    "Category",
    "intent",
    "queue",
    "ticket category",
    "class",
    "Sentiment",
    "topic",
    "issueType",
]
WORDS = "my order card invoice cannot login please help refund the account since yesterday error café again".split()  # noqa: SIM905


def _messy(rng: random.Random) -> tuple[bytes, str, dict[str, str]]:
    """(a table written in some way, its suffix, the columns that are right)."""
    count = rng.randint(30, 200)
    labels = rng.sample(
        ["billing", "access", "bug report", "refund", "Other", "1", "2", "gdpr"], rng.randint(2, 6)
    )
    ends = ["", "!", ", thanks", "\nbye"]
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(3, 25))) + rng.choice(ends) for _ in range(count)]
    table: dict[str, list[str]] = {
        rng.choice(TEXTS): texts,
        rng.choice(CLASSES): rng.choices(labels, k=count),
    }
    text, label = table
    distractors = {
        "id": [str(1000 + k) for k in range(count)],
        "ticket_id": [f"T-{rng.randrange(10**9)}" for _ in range(count)],
        "customer_id": [f"C{rng.randrange(count // 3 + 1)}" for _ in range(count)],
        "created_at": [f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" for _ in range(count)],
        "amount": [f"{rng.random() * 100:.2f}" for _ in range(count)],
        "source": ["export"] * count,
        "split": rng.choices(["train", "test"], k=count),
        "notes": [""] * count,
    }
    for name in rng.sample(list(distractors), rng.randint(0, 5)):
        table[name] = distractors[name]
    order = rng.sample(list(table), len(table))
    rows = list(zip(*[table[name] for name in order], strict=True))
    if rng.random() < 0.25:
        lines = [json.dumps(dict(zip(order, row, strict=True))) for row in rows]
        return ("\n".join(lines)).encode(), ".jsonl", {"text": text, "label": label}
    header = rng.random() < 0.9 or len(order) > 2
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=rng.choice(",;\t|"),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        lineterminator=rng.choice(["\n", "\r\n"]),
    )
    padded = [rng.choice(["", " "]) + name + rng.choice(["", " "]) for name in order]
    writer.writerows([padded, *rows] if header else rows)
    wanted = {
        field: name if header else f"column_{order.index(name) + 1}"
        for field, name in (("text", text), ("label", label))
    }
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    return out.getvalue().encode(encoding), rng.choice([".csv", ".txt", ".tsv"]), wanted


def test_messy_tables_are_mapped_right(tmp_path: Path) -> None:
    wrong = []
    for seed in range(200):
        content, suffix, wanted = _messy(random.Random(seed))
        path = tmp_path / f"t{seed}{suffix}"
        path.write_bytes(content)
        try:
            found = mapping.infer(source.sniff(path), FORM, {}).columns
        except TunesmithError as refusal:
            found = {"refused": str(refusal)}
        if found != wanted:
            wrong.append((seed, wanted, found))
    print(f"wrong: {wrong}")
    assert len(wrong) <= 10, wrong


def table(path: Path, *rows: Mapping[str, Any]) -> source.Source:
    path = path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return source.sniff(path)


def tickets(path: Path, **more: Any) -> source.Source:
    rng = random.Random(3)
    rows = [
        {
            "text": " ".join(rng.choices(WORDS, k=8)),
            "label": "ab"[k % 2],
            **{n: f(k) for n, f in more.items()},
        }
        for k in range(60)
    ]
    return table(path, *rows)


def refusal(found: source.Source, **given: str) -> TunesmithError:
    with pytest.raises(TunesmithError) as caught:
        mapping.infer(found, FORM, given)
    assert caught.value.expected
    return caught.value


def test_a_group_is_offered_but_not_taken(tmp_path: Path) -> None:
    found = tickets(tmp_path, patient_id=lambda k: f"P{k % 20}", customer_id=lambda k: f"C{k % 15}")
    columns = mapping.infer(found, FORM, {})
    assert "group" not in columns.columns
    assert set(columns.candidates["group"]) == {"customer_id", "patient_id"}
    given = mapping.infer(found, FORM, {"group": "patient_id"})
    assert given.columns == {"text": "text", "label": "label", "group": "patient_id"}


def test_what_is_no_text_and_no_label(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"u{k}",
            "date": f"2024-01-{k % 28 + 1:02}",
            "n": k * 1.5,
            "same": "one text",
            "label": "ab"[k % 2],
        }
        for k in range(60)
    ]
    error = refusal(table(tmp_path, *rows))
    assert error.code == "M201"
    assert isinstance(error, DataError)
    assert all(f"'{name}'" in error.found for name in rows[0])
    texts = [{"text": f"some words for number {k}", "label": f"value {k}"} for k in range(60)]
    assert refusal(table(tmp_path, *texts)).code == "M201"


def test_one_class_and_few_rows_are_mapped_by_name(tmp_path: Path) -> None:
    one = table(tmp_path, {"text": "hello there", "label": "a"})
    assert mapping.infer(one, FORM, {}).columns == {"text": "text", "label": "label"}
    same = table(tmp_path, *({"text": f"hello there number {k}", "label": "a"} for k in range(50)))
    assert mapping.infer(same, FORM, {}).columns == {"text": "text", "label": "label"}


def test_two_texts_alike_are_a_question(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [
        {
            "body": " ".join(rng.choices(WORDS, k=9)),
            "message": " ".join(rng.choices(WORDS, k=9)),
            "label": "ab"[k % 2],
        }
        for k in range(60)
    ]
    error = refusal(table(tmp_path, *rows))
    assert error.code == "M202"
    assert len(error.fixes) == 2
    assert all("--text" in fix for fix in error.fixes)


def test_wrong_columns_and_fields_name_the_nearest(tmp_path: Path) -> None:
    found = tickets(tmp_path)
    error = refusal(found, text="txet")
    assert (error.code, error.exit_code) == ("M203", 3)
    assert "--text 'text'" in error.fixes[0]
    assert "text, label" in error.expected
    assert refusal(found, lable="label").code == "M204"
    twice = refusal(found, text="label", label="label")
    assert isinstance(twice, UsageError)
    assert twice.code == "M204"


def test_the_form_that_fits_is_taken(tmp_path: Path) -> None:
    reading = mapping.read_as(tickets(tmp_path))
    assert reading.form == "text-label"
    assert reading.columns.columns == {"text": "text", "label": "label"}
    with pytest.raises(DataError):
        mapping.read_as(table(tmp_path, {"x": 1, "y": 2}))


def test_records_hold_the_fields_of_the_content_as_text(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = [
        {"parts": ["one", "two"], "kind": 1, "x": 0},
        {"parts": "plain", "kind": None},
        {"kind": True},
        {"parts": {"a": "é"}, "kind": " kept as is "},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "broken\n")
    found = source.sniff(path)
    columns = mapping.infer(found, FORM, {"text": "parts", "label": "kind"})
    assert "joined" in columns.notes[0]
    *good, bad = mapping.records(found, mapping.Reading("text-label", columns))
    assert isinstance(bad, Broken)
    records = [row for row in good if isinstance(row, Record)]
    assert [dict(row.fields) for row in records] == [
        {"text": "one\ntwo", "label": "1"},
        {"text": "plain", "label": ""},
        {"text": "", "label": "true"},
        {"text": '{"a": "é"}', "label": " kept as is "},
    ]
    assert all(row.key == row_key(row.fields) for row in records)
    assert [row.place.line for row in records] == [1, 2, 3, 4]


def table_of(path: Path, text: str) -> source.Source:
    path = path / "t.csv"
    path.write_text(text)
    return source.sniff(path)


def test_lists_in_cells_of_a_table_are_found(tmp_path: Path) -> None:
    turns = json.dumps([{"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Yes."}])
    cells = io.StringIO()
    csv.writer(cells).writerows([["id", "messages"], *([k, turns] for k in range(20))])
    reading = mapping.read_as(table_of(tmp_path, cells.getvalue()))
    assert (reading.form, reading.columns.columns) == ("messages", {"messages": "messages"})


def test_columns_of_flags_are_labels_together(tmp_path: Path) -> None:
    rows = "".join(f"some words for row {k},{k % 2},{(k + 1) % 2},{k % 3 // 2}\n" for k in range(30))
    found = table_of(tmp_path, "body,spam,rude,long\n" + rows)
    reading = mapping.read_as(found)
    assert reading.form == "text-multilabel"
    assert reading.columns.columns == {"text": "body", "labels": "spam,rude,long"}
    row = next(mapping.records(found, reading))
    assert isinstance(row, Record)
    assert row.fields == {"text": "some words for row 0", "labels": ["rude"]}
    given = mapping.read_as(found, form="text-multilabel", given={"labels": "spam,long"})
    assert given.columns.columns["labels"] == "spam,long"
    with pytest.raises(DataError) as caught:
        mapping.read_as(found, form="text-multilabel", given={"labels": "spam,lang"})
    assert caught.value.code == "M203"
    assert "'lang'" in caught.value.found


def test_two_forms_that_read_the_same_are_no_question(tmp_path: Path) -> None:
    rows = ({"instruction": f"Say {k} in words.", "output": f"It is the number {k}."} for k in range(20))
    assert mapping.read_as(table(tmp_path, *rows)).form == "alpaca"


def test_two_forms_that_read_otherwise_are_a_question(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {k} and {k}?", "topic": "ab"[k % 2], "answer": f"That makes {2 * k}, I think."}
        for k in range(40)
    ]
    with pytest.raises(DataError) as caught:
        mapping.read_as(table(tmp_path, *rows))
    assert caught.value.code == "M207"
    assert all(
        word in caught.value.found for word in ("'topic'", "'answer'", "text-label", "prompt-completion")
    )
    for fix in caught.value.fixes:
        form = fix.split("--form ")[1].split()[0]
        assert mapping.read_as(table(tmp_path, *rows), form=form).form == form


def studio(*choices: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "data": {"text": f"some words for row {k}"},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": each}}] if each else []}],
        }
        for k, each in enumerate(choices)
    ]


@pytest.mark.parametrize(
    ("choices", "form"),
    [
        ([["a"]] * 20, "label-studio"),
        ([*[["a"]] * 20, ["a", "b"]], "label-studio-multilabel"),
        ([["a", "b"], *[["a"]] * 200], "label-studio-multilabel"),
        ([[], *[["a"]] * 20, ["a", "b"]], "label-studio-multilabel"),
    ],
)
def test_one_row_with_two_choices_makes_an_export_one_of_several(
    choices: list[list[str]], form: str, tmp_path: Path
) -> None:
    reading = mapping.read_as(table(tmp_path, *studio(*choices)))
    assert reading.form == form
    assert mapping.read_as(table(tmp_path, *studio(*choices)), content="labelled").form == "label-studio"


def test_objects_that_are_no_answers_are_not_read_as_such(tmp_path: Path) -> None:
    rows = ({"question": f"Why {k}?", "context": f"Row {k}.", "answer_info": {"a": ["b"]}} for k in range(20))
    with pytest.raises(DataError):
        mapping.read_as(table(tmp_path, *rows), form="extractive-qa")


def test_columns_that_are_given_settle_the_form(tmp_path: Path) -> None:
    rows = [
        {
            "instruction": f"Say {k} in words.",
            "output": f"It is {k}.",
            "system": "Be brief.",
            "kind": "ab"[k % 2],
        }
        for k in range(20)
    ]
    reading = mapping.read_as(table(tmp_path, *rows), given={"text": "instruction", "label": "kind"})
    assert (reading.form, reading.columns.columns) == ("text-label", {"text": "instruction", "label": "kind"})
    preferred = [
        {"prompt": f"Say {k} in words.", "chosen": f"It is {k}.", "rejected": "No.", "kind": "ab"[k % 2]}
        for k in range(20)
    ]
    reading = mapping.read_as(table(tmp_path, *preferred), given={"text": "prompt", "label": "kind"})
    assert reading.form == "text-label"


def test_the_form_that_was_meant_says_why_it_is_not_so(tmp_path: Path) -> None:
    wrong = ({"conversations": [{"who": "me", "said": f"text {k}"}], "id": k} for k in range(20))
    with pytest.raises(DataError) as caught:
        mapping.read_as(table(tmp_path, *wrong))
    assert caught.value.code == "M206"
    pairs = ({"text": f"some words for number {k}", "label": f"value {k}"} for k in range(60))
    with pytest.raises(DataError) as caught:
        mapping.read_as(table(tmp_path, *pairs))
    assert caught.value.code == "M201"
    with pytest.raises(DataError) as caught:
        mapping.read_as(table(tmp_path, *({"a": k, "b": k * 1.5} for k in range(20))))
    assert caught.value.code == "M208"


def test_a_column_of_sides_is_taken_and_is_no_label(tmp_path: Path) -> None:
    found = tickets(tmp_path, split=lambda k: ["train", "dev", "test"][k % 3])
    reading = mapping.read_as(found)
    assert reading.columns.columns == {"text": "text", "label": "label", "split": "split"}
    other = mapping.read_as(tickets(tmp_path, split=lambda k: f"part {k % 3}"))
    assert "split" not in other.columns.columns
    given = mapping.read_as(tickets(tmp_path, part=lambda k: "ab"[k % 2]), given={"split": "part"})
    assert given.columns.columns["split"] == "part"


def test_every_form_is_found_by_its_own_samples(tmp_path: Path) -> None:
    wrong = []
    for name, part in catalog.parts("form").items():
        form = part()
        rows = [form.render(form.parse(row)) for row in form.samples()] * 6
        try:
            found = mapping.read_as(table(tmp_path, *rows), content=form.content)
        except TunesmithError as refusal:
            wrong.append((name, str(refusal)))
            continue
        again = [
            row.fields for row in mapping.records(table(tmp_path, *rows), found) if isinstance(row, Record)
        ]
        if again != [form.parse(row) for row in rows]:
            wrong.append((name, found.form))
    assert wrong == []


def test_what_is_given_wrong_is_told_whatever_the_form(tmp_path: Path) -> None:
    found = table(
        tmp_path, *({"prompt": f"Say {k} in words", "completion": f"It is {k}, I say"} for k in range(20))
    )
    assert mapping.read_as(found).form == "prompt-completion"
    cases = [("", {"text": "promt"}, "M203"), ("", {"nothing": "prompt"}, "M204"), ("messages", {}, "M201")]
    cases += [("prompt-completion", {"prompt": "completion", "completion": "completion"}, "M204")]
    for form, given, code in cases:
        with pytest.raises(TunesmithError) as caught:
            mapping.read_as(found, form=form, given=given)
        assert caught.value.code == code, (form, given)


NAMES = st.sampled_from(
    "text label labels messages conversations prompt completion chosen rejected tokens tags spans data".split()  # noqa: SIM905
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@drawn(rows=st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), min_size=1, max_size=6))
def test_any_table_is_read_or_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "any.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        found = source.sniff(path)
        reading = mapping.read_as(found)
    except TunesmithError as refusal:
        assert refusal.fixes
        return
    read = list(mapping.records(found, reading))
    assert len(read) == len(rows)
    assert all(row.fix if isinstance(row, Broken) else row.key for row in read)


def test_a_comma_in_a_columns_name_does_no_harm(tmp_path: Path) -> None:
    rows = [{"body, raw": f"some words for row {k}", "topic": "ab"[k % 2]} for k in range(30)]
    found = table(tmp_path, *rows, {"topic": "a"})
    reading = mapping.read_as(found, given={"text": "body, raw"})
    *_, last = mapping.records(found, reading)
    assert isinstance(last, Record)
    assert last.fields["text"] == ""
