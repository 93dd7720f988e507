from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import sentences
from tunesmith.data.by_time import split_by_time
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.sides import SIDES
from tunesmith.errors import DataError
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.inputs.moments import moment
from tunesmith.recipe.sections import Split as Rule

CONTENT = Labelled()


def timed(*pairs, groups=()):
    made = []
    for line, (text, time) in enumerate(pairs, 2):
        fields = {"text": text, "label": "a", "time": time}
        fields |= {"group": groups[line - 2]} if groups else {}
        made.append(Record(fields, Place("data.csv", line), row_key(fields)))
    return made


def test_later_rows_are_the_test():
    rows = timed(*zip(sentences(20), [f"2026-01-{day:02}" for day in range(20, 0, -1)], strict=True))
    made = split_by_time(rows, CONTENT, Rule(validation=0.2, test=0.1))
    assert made.test.tolist() == [0, 1]
    assert made.validation.tolist() == [2, 3, 4, 5]
    assert made.train.tolist() == list(range(6, 20))
    assert made.findings == ()


def test_what_reaches_over_a_cut_enters_no_side():
    texts = sentences(20)
    texts[19] = texts[0]
    rows = timed(*zip(texts, range(20), strict=True))
    made = split_by_time(rows, CONTENT, Rule(validation=0.2, test=0.1))
    assert 0 not in made.train
    assert 19 in made.test
    assert [finding.code for finding in made.findings] == ["D106"]
    grouped = timed(*zip(sentences(20), range(20), strict=True), groups=["one", *map(str, range(18)), "one"])
    assert 0 not in split_by_time(grouped, CONTENT, Rule()).train


def test_a_time_that_cannot_be_read_is_an_error_with_its_place():
    with pytest.raises(DataError) as refusal:
        split_by_time(timed(("one", "3"), ("two", "03/04/2025")), CONTENT, Rule())
    assert (refusal.value.code, refusal.value.where) == ("F035", "data.csv:3")


def test_times_that_cannot_be_cut():
    with pytest.raises(DataError) as refusal:
        split_by_time(timed(*((text, "2026-01-01") for text in sentences(9))), CONTENT, Rule())
    assert refusal.value.code == "F036"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("1.5", 1.5),
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:01", 60.0),
    ],
)
def test_moments(text, seconds):
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "monday", "1.2.2025", None, "2025-13-01"])
def test_no_moments(text):
    assert moment(text) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), min_size=4, max_size=40), st.integers(0, 3))
def test_no_side_is_earlier_than_the_one_before_and_no_group_is_on_two(values, more):
    texts = sentences(10 + more)
    rows = timed(*((texts[which], str(time)) for which, time in values))
    rule = Rule(validation=0.2, test=0.2)
    try:
        made = split_by_time(rows, CONTENT, rule, clusters=np.array([which for which, _ in values]))
    except DataError as refusal:
        assert refusal.code == "F036"
        return
    times = {side: [values[i][1] for i in getattr(made, side)] for side in SIDES}
    assert max(times["train"]) < min(times["validation"])
    assert max(times["validation"]) < min(times["test"])
    groups = {side: {values[i][0] for i in getattr(made, side)} for side in SIDES}
    assert not groups["train"] & (groups["validation"] | groups["test"])
    assert not groups["validation"] & groups["test"]
