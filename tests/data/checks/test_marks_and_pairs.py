"""The checks of tags, spans and preferences: what their fixes make, and where they keep still."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith import catalog
from tunesmith.data.checks._rows import planted
from tunesmith.data.checks._turns import pairs, said
from tunesmith.data.cleaning import clean
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.contents.spans import Spans
from tunesmith.data.contents.tags import Tags
from tunesmith.data.contents.unpaired import Unpaired

PROMPT = [said("user", "Do you repair brakes?")]


def found(name: str, case):
    check = catalog.part("check", name)()
    findings = check.findings(check.update(check.start(), case.rows, case.evidence))
    return findings[0] if findings else None


def marked(text: str, *spans: tuple[int, int]):
    return {"text": text, "spans": [{"start": start, "end": end, "label": "x"} for start, end in spans]}


@given(st.lists(st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b"]), max_size=8))
def test_mended_tags_begin_every_entity(tags: list[str]) -> None:
    case = planted(Tags(), {"tokens": ["w"] * len(tags), "tags": tags})
    finding = found("broken-tags", case)
    rows = clean(case.rows, [finding]).records if finding else case.rows
    after = rows[0].fields["tags"]
    assert [tag[1:] for tag in after] == [tag[1:] for tag in tags]
    assert found("broken-tags", planted(Tags(), {"tokens": ["w"] * len(tags), "tags": after})) is None
    for before, tag in zip(["O", *after], after, strict=False):
        assert not tag.startswith("I-") or before[2:] == tag[2:]


@given(st.lists(st.tuples(st.integers(-3, 12), st.integers(-3, 12)), max_size=5))
def test_mended_spans_lie_in_the_text_and_apart(edges: list[tuple[int, int]]) -> None:
    case = planted(Spans(), marked("0123456789", *edges))
    finding = found("broken-spans", case)
    rows = clean(case.rows, [finding], also=["M216"]).records if finding else case.rows
    kept = sorted((span["start"], span["end"]) for span in rows[0].fields["spans"])
    assert all(0 <= start < end <= 10 for start, end in kept)
    assert all(one[1] <= two[0] for one, two in pairwise(kept))
    assert finding or len(kept) == len(edges)


def test_nested_marks_alone_are_worth_a_word_only() -> None:
    nested = marked("a table for five", (2, 16), (12, 16))
    assert found("broken-spans", planted(Spans(), nested)).severity == "info"
    assert found("broken-spans", planted(Spans(), nested, marked("a", (0, 9)))).severity == "warning"


@given(st.text("a \n", min_size=1, max_size=8), st.data())
def test_edges_move_to_the_words(text: str, data) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    case = planted(Spans(), marked(text, (start, end)))
    finding = found("blank-span-edges", case)
    rows = clean(case.rows, [finding]).records if finding else case.rows
    span = rows[0].fields["spans"][0]
    inside = text[start:end]
    assert text[span["start"] : span["end"]] == (inside.strip() or inside)


def test_entities_are_missed_only_where_there_could_be_some() -> None:
    assert found("no-entities", planted(Labelled(), *[{"text": "a", "label": "b"}] * 30)) is None
    empty, full = marked("a"), marked("a", (0, 1))
    finding = found("no-entities", planted(Spans(), *[empty] * 27, *[full] * 3))
    assert finding.severity == "info" and finding.numbers == {"share": 0.9, "rows": 30}
    assert found("no-entities", planted(Spans(), *[empty] * 19)) is None, "too few to tell"


def pair(chosen: str, rejected: str):
    return {
        "prompt": PROMPT,
        "chosen": [said("assistant", chosen)],
        "rejected": [said("assistant", rejected)],
    }


def test_equal_answers_leave_by_themselves() -> None:
    case = pairs(pair("Yes.", " yes. "), pair("Yes.", "No."))
    assert len(clean(case.rows, [found("same-answers", case)]).records) == 1


def test_equal_words_with_other_calls_are_no_equal_answers() -> None:
    row = pair("", "")
    row["chosen"] = [said("assistant", "", tool_calls=[{"function": {"name": "a", "arguments": "{}"}}])]
    assert found("same-answers", pairs(row)) is None


@pytest.mark.parametrize(
    ("longer", "shorter", "severity"),
    [(30, 0, "warning"), (0, 30, "warning"), (70, 30, "info"), (55, 45, None), (12, 0, None), (13, 8, None)],
)
def test_length_must_lean_clearly(longer: int, shorter: int, severity: str | None) -> None:
    rows = [pair("long long", "x")] * longer + [pair("x", "long long")] * shorter
    finding = found("longer-is-chosen", pairs(*rows))
    assert (finding.severity if finding else None) == severity
    if finding:
        assert ("shorter" in finding.message) == (shorter > longer)
        assert finding.numbers["pairs"] == longer + shorter


@pytest.mark.parametrize(
    ("good", "bad", "severity"),
    [(20, 0, "warning"), (0, 20, "warning"), (40, 2, "info"), (40, 20, None), (9, 0, None)],
)
def test_verdicts_of_one_side(good: int, bad: int, severity: str | None) -> None:
    row = {"prompt": PROMPT, "completion": [said("assistant", "Yes.")]}
    rows = [{**row, "label": True}] * good + [{**row, "label": False}] * bad
    finding = found("one-sided-answers", planted(Unpaired(), *rows))
    assert (finding.severity if finding else None) == severity


def test_other_contents_have_no_verdicts() -> None:
    assert found("one-sided-answers", planted(Labelled(), *[{"text": "a", "label": "True"}] * 30)) is None
