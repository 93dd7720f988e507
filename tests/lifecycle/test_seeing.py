"""Rows as the model sees them, and what checks say of real conversations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chattemplates import CHATML, ENDLESS, TOOLS, written
from tunesmith import catalog, doors
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note
from tunesmith.lifecycle import datasets, evidence, seeing
from tunesmith.lifecycle.known import Known, Unavailable, Wanted

MINE = {f"T4{n:02}" for n in range(1, 20)} | {f"M2{n}" for n in (10, 11, 12, 13, 14, 15, 16, 17, 19)}
MINE |= {f"L22{n}" for n in range(5)}
tokenizers = pytest.mark.skipif(
    not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"'
)


def result(events: Iterable[Event]) -> dict[str, Any]:
    return next(event.result.to_dict() for event in events if isinstance(event, Finished))


def returned(events) -> Any:
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def base(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base that chats: the story model with <|im_end|> as its end."""
    return written(tmp_path_factory.mktemp("bases") / "chat", shared, "{{ bos_token }}" + TOOLS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [
        [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")],
        [("user", "brakes " * 60), ("assistant", "Pardon?")],
        [("user", "Hello")],
    ]
    path = tmp_path / "chats.jsonl"
    messages = [[{"role": role, "content": said} for role, said in row] for row in rows]
    path.write_text("".join(json.dumps({"messages": each}) + "\n" for each in messages))
    return path


# ---- see --------------------------------------------------------------------------------------------------------


@tokenizers
def test_a_row_is_shown_with_what_is_learnt_and_cut(file: Path, base: Path, home: Path) -> None:
    found = result(seeing.see(str(file), base=str(base), max_length=100, truncation="right", home=home))
    assert (found["rows"], found["window"], found["content"]) == (3, 100, "chat")
    first, second, third = (row["seen"][0] for row in found["shown"])
    (start, stop), text = first["learnt"][0], first["text"]
    assert text[start:stop] == "Yes, on weekdays.<|im_end|>"
    assert (first["cut"], first["side"], first["ends"], first["refusal"]) == (None, "", ["<|im_end|>"], "")
    assert first["kept_tokens"] == first["learnt_tokens"] > 3
    assert 0 < second["cut"] < second["learnt"][0][0]
    assert second["kept_tokens"] == 0 < second["learnt_tokens"] and second["side"] == "end"
    assert [piece[4] for piece in second["pieces"]] == [1] * 100 + [0] * (second["tokens"] - 100)
    assert third["learnt"] == [] and third["text"]


@tokenizers
def test_another_template_may_be_given(file: Path, base: Path, home: Path) -> None:
    found = result(seeing.see(str(file), base=str(base), rows=1, program=ENDLESS, home=home))
    assert len(found["shown"]) == 1
    assert found["shown"][0]["seen"][0]["text"].startswith("user: Do you")


def test_rows_that_are_no_conversations_are_refused(tmp_path: Path, base: Path, home: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(20)))
    with pytest.raises(UsageError) as refused:
        result(seeing.see(str(path), base=str(base), home=home))
    assert refused.value.code == "T411" and refused.value.fixes


def test_without_the_library_it_says_that_nothing_is_counted(
    file: Path, base: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "tokenizers" and real(library))
    events = list(seeing.see(str(file), base=str(base), home=home))
    assert any(isinstance(event, Note) and "not counted" in event.text for event in events)
    first = result(events)["shown"][0]["seen"][0]
    assert (first["tokens"], first["cut"]) == (0, None)
    start, stop = first["learnt"][0]
    assert first["text"][start:stop] == "Yes, on weekdays.<|im_end|>"


@tokenizers
@pytest.mark.parametrize(
    ("name", "views"),
    [
        ("toolcall-glaive-300/all.jsonl.gz", 1),
        ("hh-rlhf-harmless/test.jsonl.gz", 2),
        ("instruction-rasbt/all.jsonl", 1),
        ("gsm8k/test.jsonl.gz", 1),
    ],
)
def test_real_conversations_are_seen(name: str, views: int, shared: Path, base: Path, home: Path) -> None:
    found = result(seeing.see(str(shared / "data" / name), base=str(base), home=home))
    for row in found["shown"]:
        assert len(row["seen"]) == views
        answers = [row["fields"].get("chosen"), row["fields"].get("rejected")]
        said = answers if views == 2 else [row["fields"]["messages"]]
        for view, turns in zip(row["seen"], said, strict=True):
            learnt = [view["text"][start:stop] for start, stop in view["learnt"]]
            expected = [turn for turn in turns if turn["role"] == "assistant"]
            assert len(learnt) == len(expected)
            for shown, turn in zip(learnt, expected, strict=True):
                assert shown.endswith("<|im_end|>") and turn["content"] in shown
                assert all(call["function"]["name"] in shown for call in turn.get("tool_calls", ()))


# ---- evidence ---------------------------------------------------------------------------------------------------


def known(file: Path, home: Path, base: str) -> Known:
    found = returned(datasets.opened(str(file), home))
    return Known(found.records, found.content, Wanted(base=base, home=home))


def test_without_a_base_checks_of_the_template_are_left_out(file: Path, home: Path) -> None:
    with pytest.raises(Unavailable, match="--base DIR"):
        seeing.template(known(file, home, ""))


def test_a_base_that_can_t_end_a_text_is_a_reason_and_no_error(
    file: Path, home: Path, shared: Path, tmp_path: Path
) -> None:
    mute = written(tmp_path / "mute", shared, "", chatml=False, eos_token=None)
    for name in ("config.json", "generation_config.json"):
        (mute / name).write_text(json.dumps({"max_position_embeddings": 512}))
    with pytest.raises(Unavailable, match="neither a chat template"):
        seeing.template(known(file, home, str(mute)))


@tokenizers
def test_a_base_without_a_template_is_shown_with_the_plain_one(
    file: Path, home: Path, shared: Path, tmp_path: Path
) -> None:
    mute = written(tmp_path / "mute", shared, "", chatml=False)
    assert seeing.template(known(file, home, str(mute))).program == ""
    events = list(seeing.see(str(file), base=str(mute), rows=1, home=home))
    assert any(isinstance(event, Note) and "a line each" in event.text for event in events)
    (view,) = result(events)["shown"][0]["seen"]
    assert view["text"] == "<s>Do you repair brakes?\nYes, on weekdays.</s>"
    (start, stop) = view["learnt"][0]
    assert view["text"][start:stop] == "Yes, on weekdays.</s>"


@tokenizers
def test_each_token_tells_what_it_counts_and_where_it_is(file: Path, base: Path, home: Path) -> None:
    views = {}
    for truncation in ("left", "drop", "split"):
        made = result(
            seeing.see(str(file), base=str(base), row=2, max_length=100, truncation=truncation, home=home)
        )
        (row,) = made["shown"]
        views[truncation] = row["seen"][0]
        assert row["place"].startswith(f"{file}:2") and "tokens are learnt" in made["learning"]
    left, dropped, split = views["left"], views["drop"], views["split"]
    assert (left["side"], left["kept_tokens"]) == ("start", left["learnt_tokens"])
    kept = [piece[4] for piece in left["pieces"]]
    assert kept == [1] + [0] * (left["tokens"] - 100) + [1] * 99, "the bos token stays"
    learnt = [left["text"][start:stop] for _, start, stop, weight, _ in left["pieces"] if weight]
    assert "".join(learnt) == "Pardon?<|im_end|>"
    assert (dropped["windows"], dropped["kept_tokens"]) == (0, 0)
    assert all(piece[4] == 0 for piece in dropped["pieces"])
    assert split["kept_tokens"] == split["learnt_tokens"] == len(learnt)


def test_a_row_that_is_not_there(file: Path, base: Path, home: Path) -> None:
    with pytest.raises(UsageError) as absent:
        result(seeing.see(str(file), base=str(base), row=4, home=home))
    assert absent.value.code == "T422" and absent.value.fixes == ("--row 3",)


@tokenizers
def test_texts_are_measured_by_any_base(tmp_path: Path, home: Path, shared: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(20)))
    mute = written(tmp_path / "mute", shared, "")
    template = seeing.template(known(path, home, str(mute)))
    assert template.window == 512 and template.program == ""
    assert template.length("a text") > 1
    with pytest.raises(Unavailable) as silent:
        seeing.template(known(path, home, ""))
    assert not str(silent.value)


@tokenizers
def test_the_template_is_among_the_evidence(file: Path, home: Path, base: Path) -> None:
    asked = known(file, home, str(base))
    wanted = Wanted(base=str(base), max_length=64, home=home)
    found = returned(evidence.gather(asked.records, asked.content, wanted, frozenset({"template"})))
    assert found["template"].window == 64 and found["template"].writes_calls


# ---- real data: what is found is right --------------------------------------------------------------------------

# file → what its own rows are guilty of, looked at one by one: (code, rows)
FOUND = {
    "gsm8k/train.jsonl.gz": {},
    "instruction-rasbt/all.jsonl": {},
    "toolcall-glaive-300/all.jsonl.gz": {},
    # four answers are empty; one repeats its question; "Human:" stands inside answers, or two answers follow
    "hh-rlhf-harmless/test.jsonl.gz": {"T402": 4, "M217": 1, "M210": 9},
    "wnut17/train.jsonl.gz": {},
    "bc5cdr/train.jsonl.gz": {},
    "restaurant8k/train.jsonl.gz": {"M216": 58, "M219": 4},  # date inside time; a blank before the hour
    "pii-synth/all.jsonl.gz": {},
}


@pytest.mark.parametrize("name", FOUND)
def test_real_rows_give_no_false_alarm(name: str, shared: Path, home: Path) -> None:
    found = returned(datasets.opened(str(shared / "data" / name), home))
    findings = judged(found, {})
    assert {finding.code: finding.count for finding in findings} == FOUND[name]
    assert not [finding for finding in findings if finding.severity == "error"]


@tokenizers
@pytest.mark.parametrize(
    ("name", "expected"),
    [("instruction-rasbt/all.jsonl", {"T401"}), ("toolcall-glaive-300/all.jsonl.gz", {"T401", "T404"})],
)
def test_real_rows_fit_a_template_that_is_whole(
    name: str, expected: set[str], shared: Path, base: Path, home: Path
) -> None:
    found = returned(datasets.opened(str(shared / "data" / name), home))
    template = seeing.template(Known(found.records, found.content, Wanted(base=str(base), home=home)))
    findings = judged(found, {"template": template})
    assert {finding.code for finding in findings} <= expected


@tokenizers
def test_a_template_without_tools_is_told(shared: Path, tmp_path: Path, home: Path) -> None:
    found = returned(datasets.opened(str(shared / "data" / "toolcall-glaive-300" / "all.jsonl.gz"), home))
    plain = written(tmp_path / "plain", shared, CHATML)
    template = seeing.template(Known(found.records, found.content, Wanted(base=str(plain), home=home)))
    (finding,) = [each for each in judged(found, {"template": template}) if each.code == "T406"]
    assert finding.count == 191 and "tool calls are not written (153)" in finding.message


def judged(dataset, known: dict[str, Any]):
    given = {"content": dataset.content, **known}
    found = []
    for part in catalog.parts("check").values():
        check = part()
        if check.code in MINE and check.wants <= dataset.content.offers and check.needs <= given.keys():
            found += check.findings(check.update(check.start(), dataset.records, given))
    return found
