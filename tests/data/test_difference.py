from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import records, sentences
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.difference import changes, compare
from tunesmith.fields import row_key

CONTENT = Labelled()


def edited(row, **values):
    fields = {**row.fields, **values}
    return replace(row, fields=fields, key=row_key(fields))


def counts(found):
    return found.same, len(found.came), len(found.went), len(found.changed)


def test_rows_that_came_went_and_changed():
    first = records(*((text, "a") for text in sentences(6)))
    second = [
        edited(first[0], label="b"),
        *first[1:4],
        edited(first[4], text="all new words"),
        *records(("new", "c"), first=90),
    ]
    found = compare(first, second, CONTENT, same_source=True)
    assert counts(found) == (3, 1, 1, 2)
    assert found.came[0].fields["text"] == "new"
    assert found.went == (first[5],)
    assert [changes(*pair) for pair in found.changed] == [
        {"label": ("a", "b")},
        {"text": (first[4].fields["text"], "all new words")},
    ]
    assert found.labels == {"a": (6, 4), "b": (0, 1), "c": (0, 1)}


def test_places_say_nothing_between_two_files():
    first = records(("the first text", "a"), ("another text", "b"))
    second = records(("something else here", "a"), ("the first text", "b"))
    assert counts(compare(first, second, CONTENT, same_source=False)) == (0, 1, 1, 1)
    assert counts(compare(first, second, CONTENT, same_source=True)) == (0, 0, 0, 2)


def test_the_most_similar_text_is_the_row_that_changed():
    first = records(("please send the parcel to my office on monday", "a"), ("an answer to the bill", "b"))
    second = records(
        ("an answer to the bill!", "b"), ("please send the parcel to my office on friday", "a"), first=50
    )
    found = compare(first, second, CONTENT, same_source=False)
    assert counts(found) == (0, 0, 0, 2)
    assert {
        before.fields["label"]
        for before, after in found.changed
        if before.fields["label"] == after.fields["label"]
    } == {"a", "b"}


def test_order_is_no_difference():
    rows = records(*((text, "a") for text in sentences(30)))
    mixed = rows[:]
    random.Random(1).shuffle(mixed)
    found = compare(rows, mixed, CONTENT, same_source=False)
    assert counts(found) == (30, 0, 0, 0)
    assert found.labels == {}


def test_equal_rows_are_counted_as_often_as_they_stand():
    first = records(("same", "a"), ("same", "a"), ("same", "a"))
    found = compare(first, first[:1], CONTENT, same_source=True)
    assert counts(found) == (1, 0, 2, 0)


texts = st.sampled_from(["", "alpha beta", "alpha beta!", "gamma", "delta rays", "Gamma"])
rows_of = st.lists(st.tuples(texts, st.sampled_from(["a", "b", ""])), max_size=12)


@settings(max_examples=80, deadline=None)
@given(rows_of, rows_of, st.booleans())
def test_every_row_is_told_once(first, second, same_source):
    old, new = records(*first), records(*second)
    found = compare(old, new, CONTENT, same_source=same_source)
    assert found.same + len(found.went) + len(found.changed) == len(old)
    assert found.same + len(found.came) + len(found.changed) == len(new)
    assert all(changes(*pair) for pair in found.changed)


@settings(max_examples=30, deadline=None)
@given(rows_of)
def test_nothing_differs_from_itself(values):
    rows = records(*values)
    assert counts(compare(rows, rows, CONTENT, same_source=True)) == (len(rows), 0, 0, 0)
