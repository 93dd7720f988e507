"""`data convert`: what is written is read back, and what is lost is said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tunesmith import catalog
from tunesmith.data import mapping, source
from tunesmith.data.contents import _translations
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.events import Finished, Note, Saved
from tunesmith.fields import Record
from tunesmith.lifecycle import converting

FORMS = catalog.parts("form")
SAME = [
    (first, second)
    for first, one in FORMS.items()
    for second, two in FORMS.items()
    if one.content == two.content
]


def written(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def convert(ref: str, to: str, out: Path, home: Path, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """(the result, the notes on the way)."""
    events = list(converting.convert(ref, to, str(out), home=home, **options))
    last = events[-1]
    assert isinstance(last, Finished)
    assert any(isinstance(event, Saved) and event.path == str(out) for event in events)
    return last.result.to_dict(), [event.text for event in events if isinstance(event, Note)]


def read(path: Path, form: str) -> list[dict[str, Any]]:
    found = source.sniff(path)
    rows = list(mapping.records(found, mapping.read_as(found, form=form)))
    assert all(isinstance(row, Record) for row in rows)
    return [dict(row.fields) for row in rows if isinstance(row, Record)]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize(("form", "to"), SAME)
def test_between_forms_of_one_content_what_is_lost_is_said(
    form: str, to: str, suffix: str, tmp_path: Path
) -> None:
    part, goal = FORMS[form](), FORMS[to]()
    samples = catalog.part("content", part.content)().samples()
    rows = [row for fields in samples if (row := _rendered(part, fields)) is not None]
    ref, out = written(tmp_path / "rows.jsonl", rows), tmp_path / f"out{suffix}"
    wanted = [part.parse(row) for row in rows]
    kept = [fields for fields in wanted if _kept(goal, fields)]
    if not kept:
        with pytest.raises(UsageError):
            convert(ref, to, out, tmp_path / "home", form=form)
        return
    result, notes = convert(ref, to, out, tmp_path / "home", form=form)
    assert result["left_out"] == len(wanted) - sum(_rendered(goal, fields) is not None for fields in wanted)
    if not result["lost"] and not result["left_out"]:
        assert notes == []
        assert [row for row in read(out, to) if row in wanted] == wanted


def _rendered(part: Any, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return part.render(fields)
    except ValueError:
        return None


def _kept(part: Any, fields: Mapping[str, Any]) -> bool:
    return _rendered(part, fields) is not None


@pytest.mark.parametrize(("start", "goal"), list(_translations._ALL))
def test_every_translation_makes_rows_of_its_goal(start: str, goal: str) -> None:
    way = _translations.find(start, goal)
    assert way
    content, target = catalog.part("content", start)(), catalog.part("content", goal)()
    legal = {each.name: each.required for each in target.fields}
    made = 0
    for fields in content.samples():
        names = {each.name for each in content.fields}
        assert set(way.lost(fields)) <= names
        try:
            rows = way.make(fields)
        except ValueError:
            continue
        made += len(rows)
        for row in rows:
            assert set(row) <= set(legal)
            assert all(name in row for name, required in legal.items() if required)
            assert target.text(Record(row))
    assert made


def test_a_chain_of_forms_ends_where_it_began(tmp_path: Path) -> None:
    rows = [
        {
            "conversations": [
                {"from": "system", "value": "You answer for a shop."},
                {"from": "human", "value": "What does a tyre cost? é"},
                {"from": "function_call", "value": '{"name": "price", "arguments": {"of": "tyre"}}'},
                {"from": "observation", "value": "25"},
                {"from": "gpt", "value": '25 euros, \r\nwith tax;\t"all" in'},
            ],
            "tools": [{"name": "price", "parameters": {}}],
        },
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": ""}]},
    ]
    ref, home = written(tmp_path / "a.jsonl", rows), tmp_path / "home"
    forms = ["messages", "sharegpt", "prompt-completion", "messages", "sharegpt"]
    suffixes = [".csv", ".jsonl.gz", ".parquet", ".jsonl", ".csv.gz"]
    first = read(tmp_path / "a.jsonl", "sharegpt")
    for number, (to, suffix) in enumerate(zip(forms, suffixes, strict=True)):
        out = tmp_path / f"step{number}{suffix}"
        result, notes = convert(ref, to, out, home, strict=True)
        assert (result["written"], result["lost"], notes) == (2, {}, [])
        ref = str(out)
    assert read(Path(ref), "sharegpt") == first


def test_what_a_conversation_says_more_is_told(tmp_path: Path) -> None:
    turn = {"role": "assistant", "content": "Yes.", "weight": 0}
    asked = {"role": "user", "content": "Open?"}
    rows = [
        {"messages": [asked, turn]},
        {"messages": [asked, {"role": "assistant", "content": "Yes."}], "tools": [{"name": "clock"}]},
        {"messages": [asked, {"role": "tool", "content": "9"}, {"role": "assistant", "content": "Yes."}]},
    ]
    ref = written(tmp_path / "a.jsonl", [{**row, "id": k} for k, row in enumerate(rows)])
    result, notes = convert(ref, "alpaca", tmp_path / "b.jsonl", tmp_path / "home")
    assert {name: each["rows"] for name, each in result["lost"].items()} == {"messages": 1, "tools": 1}
    assert result["lost"]["messages"]["first"].endswith("a.jsonl:1 (byte 0)")
    assert result["left_out"] == 1
    assert result["left_out_rows"][0]["place"].startswith(str(tmp_path / "a.jsonl:3"))
    assert result["unread"] == ["id"]
    assert len(notes) == 4
    with pytest.raises(DataError) as caught:
        convert(ref, "alpaca", tmp_path / "c.jsonl", tmp_path / "home", strict=True)
    assert caught.value.code == "M209"
    assert "'tools'" in caught.value.found
    assert not (tmp_path / "c.jsonl").exists()


def test_broken_rows_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a", "b"], "tags": ["O"]}\nnonsense\n')
    result, _ = convert(str(path), "spans", tmp_path / "b.jsonl", tmp_path / "home")
    assert (result["written"], result["left_out"]) == (1, 2)
    assert "2 tokens and 1 tags" in result["left_out_rows"][0]["reason"]


def test_a_pair_of_answers_becomes_two_judged_rows(tmp_path: Path) -> None:
    rows = [{"prompt": "Open?", "chosen": "Yes.", "rejected": "No idea."}]
    ref, home = written(tmp_path / "a.jsonl", rows), tmp_path / "home"
    result, _ = convert(ref, "unpaired", tmp_path / "b.csv", home)
    assert (result["rows"], result["written"], result["lost"]) == (1, 2, {})
    labels = [row["label"] for row in read(tmp_path / "b.csv", "unpaired")]
    assert labels == [True, False]
    result, _ = convert(str(tmp_path / "b.csv"), "messages", tmp_path / "c.jsonl", home)
    assert (result["written"], result["left_out"]) == (1, 1)


ASKED = {"role": "user", "content": "How many spokes have two wheels of 36?"}
BOTH = {"role": "assistant", "content": "72"}


@pytest.mark.parametrize(
    ("form", "row", "to", "wanted", "lost"),
    [
        ("messages", {"messages": [ASKED, BOTH]}, "prompt-only", {"prompt": [ASKED], "reference": "72"}, []),
        ("messages", {"messages": [ASKED]}, "prompt-only", {"prompt": [ASKED]}, []),
        (
            "messages",
            {"messages": [ASKED, BOTH, {**BOTH, "content": "That is all."}]},
            "prompt-only",
            {"prompt": [ASKED], "reference": "72\nThat is all."},
            ["messages"],
        ),
        (
            "preference",
            {"prompt": [ASKED], "chosen": "72", "rejected": "70"},
            "prompt-only",
            {"prompt": [ASKED]},
            ["chosen", "rejected"],
        ),
        (
            "prompt-only",
            {"prompt": ASKED["content"], "reference": "72"},
            "messages",
            {"messages": [ASKED, BOTH]},
            [],
        ),
        (
            "stepwise",
            {"prompt": [ASKED], "completions": ["2 times 36", "72"], "labels": [True, True]},
            "messages",
            {"messages": [ASKED, {"role": "assistant", "content": "2 times 36\n72"}]},
            [],
        ),
        (
            "extractive-qa",
            {"question": "When?", "context": "At nine.", "answers": {"text": ["nine"], "answer_start": [3]}},
            "prompt-completion",
            {
                "messages": [
                    {"role": "user", "content": "At nine.\n\nWhen?"},
                    {"role": "assistant", "content": "nine"},
                ]
            },
            [],
        ),
        (
            "extractive-qa",
            {
                "question": "When?",
                "context": "At nine.",
                "answers": {"text": ["nine", "At nine"], "answer_start": [3, 0]},
            },
            "messages",
            {
                "messages": [
                    {"role": "user", "content": "At nine.\n\nWhen?"},
                    {"role": "assistant", "content": "nine"},
                ]
            },
            ["spans"],
        ),
    ],
)
def test_prompts_and_answers_go_over(
    form: str, row: dict[str, Any], to: str, wanted: dict[str, Any], lost: list[str], tmp_path: Path
) -> None:
    ref, out = written(tmp_path / "rows.jsonl", [row]), tmp_path / "out.jsonl"
    result, _ = convert(ref, to, out, tmp_path / "home", form=form)
    assert read(out, to) == [wanted]
    assert list(result["lost"]) == lost


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("prompt-only", {"prompt": "Open?"}),
        ("stepwise", {"prompt": "Open?", "completions": ["No.", "Yes."], "labels": [True, False]}),
        ("extractive-qa", {"question": "Who?", "context": "At nine.", "answers": []}),
    ],
)
def test_what_has_no_right_answer_is_left_out_of_conversations(
    form: str, row: dict[str, Any], tmp_path: Path
) -> None:
    ref = written(tmp_path / "rows.jsonl", [row])
    with pytest.raises(UsageError) as refusal:
        convert(ref, "messages", tmp_path / "out.jsonl", tmp_path / "home", form=form)
    assert refusal.value.code == "M206"


def test_words_in_conll_come_back_and_spacing_is_told(tmp_path: Path) -> None:
    rows = [
        {"text": "Ada lived in London.", "spans": [[0, 3, "person"], [13, 19, "place"]]},
        {"text": "in London", "spans": [[3, 9, "place"]]},
    ]
    ref, home = written(tmp_path / "a.jsonl", rows), tmp_path / "home"
    result, _ = convert(ref, "tokens-tags", tmp_path / "b.conll", home)
    assert {name: each["rows"] for name, each in result["lost"].items()} == {"text": 1}
    result, _ = convert(str(tmp_path / "b.conll"), "spans", tmp_path / "c.jsonl", home, strict=True)
    assert read(tmp_path / "c.jsonl", "spans")[1]["spans"] == [{"start": 3, "end": 9, "label": "place"}]


def test_sides_and_groups_go_along(tmp_path: Path) -> None:
    rows = [
        {
            "body": f"text number {k}",
            "topic": "ab"[k % 2],
            "split": "test" if k % 3 else "train",
            "who": f"u{k % 5}",
        }
        for k in range(40)
    ]
    ref = written(tmp_path / "a.jsonl", rows)
    result, _ = convert(
        ref, "messages", tmp_path / "b.jsonl", tmp_path / "home", fields={"group": "who"}, strict=True
    )
    assert result["unread"] == []
    row = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])
    assert row["split"] == "train"
    assert row["group"] == "u0"
    assert row["messages"][1] == {"role": "assistant", "content": "a"}


def test_what_can_not_be_is_refused(tmp_path: Path) -> None:
    ref = written(tmp_path / "a.jsonl", [{"prompt": "Open?", "completion": "Yes."}])
    home = tmp_path / "home"
    cases: list[tuple[str, str, str]] = [
        ("tokens-tags", "b.jsonl", "M206"),
        ("messages", "b.xyz", "F038"),
        ("messages", "a.jsonl", "F039"),
        ("mesages", "b.jsonl", "C103"),
    ]
    for to, name, code in cases:
        with pytest.raises(TunesmithError) as caught:
            convert(ref, to, tmp_path / name, home)
        assert caught.value.code == code, to
        assert caught.value.fixes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl"]
