from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import records
from tunesmith.data.checking import check
from tunesmith.data.cleaning import clean, undo
from tunesmith.data.contents.labelled import Labelled
from tunesmith.fields import row_key

CONTENT = Labelled()


def dirty():
    return records(
        ("send my money back", "Refund"),
        ("send my money back", "refund "),
        ("send my money back", "Refund"),
        ("where is my parcel", "parcel"),
        ("", "parcel"),
        ("never came", None),
        ("I want a refund", "Refund"),
        ("the parcel is lost", "parcel"),
    )


def cleaned(rows, keep=()):
    return clean(rows, check(rows, CONTENT), keep)


def test_safe_fixes_are_applied_and_listed():
    made = cleaned(dirty())
    assert [row.place.line for row in made.records] == [2, 5, 8, 9]
    assert {row.fields["label"] for row in made.records} == {"Refund", "parcel"}
    assert all(row.key == row_key(row.fields) for row in made.records)
    listed = [(change["row"], change["action"], change["code"]) for change in made.changes]
    assert listed == [
        ("data.csv:3", "edit", "L205"),
        ("data.csv:3", "drop", "L205"),
        ("data.csv:4", "drop", "D101"),
        ("data.csv:6", "drop", "Q501"),
        ("data.csv:7", "drop", "L201"),
    ]
    fixed = {finding.code for finding in made.findings if finding.fixed}
    assert fixed == {"D101", "L201", "L205", "Q501"}
    assert len(made.findings) == len(check(dirty(), CONTENT))


def test_kept_codes_are_not_applied():
    made = cleaned(dirty(), keep=("D101", "L205", "L201", "Q501"))
    assert made.records == dirty()
    assert made.changes == []
    assert not any(finding.fixed for finding in made.findings)
    assert [change["code"] for change in cleaned(dirty(), keep=("D101", "L201", "Q501")).changes] == ["L205"]


def test_changes_survive_json():
    made = cleaned(dirty())
    assert undo(made.records, json.loads(json.dumps(made.changes))) == dirty()


def test_nothing_to_do():
    assert clean([], []).records == []
    assert undo([], []) == []


texts = st.sampled_from(["", " ", "alpha", "Alpha", "beta", "gamma ray", None, "ok"])
labels = st.sampled_from(["Refund", "refund ", "REFUND.", "a", "A", " ", None, "two words", "two_words"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(texts, labels), max_size=25),
    st.sets(st.sampled_from(["D101", "L205", "L201", "Q501"])),
)
def test_cleaning_can_be_undone_and_is_done_once(rows, keep):
    before = records(*rows)
    made = cleaned(before, tuple(keep))
    back = undo(made.records, made.changes)
    assert back == before
    assert [row.key for row in back] == [row.key for row in before]
    assert [row.place for row in back] == [row.place for row in before]
    lines = [row.place.line for row in made.records]
    assert lines == sorted(lines)
    again = check(made.records, CONTENT)
    assert not [found for found in again if found.fix and found.fix.safe and found.code not in keep]
