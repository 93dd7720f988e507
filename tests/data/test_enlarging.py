"""Rows made from rows: marked, new, agreed with, and measured before they are proposed."""

from __future__ import annotations

import numpy as np

from data.rows import records, sentences
from tunesmith import catalog
from tunesmith.data import balance, enlarging
from tunesmith.data.balance import Remedy
from tunesmith.data.contents.chat import Chat
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.synthesis import pairs_in, texts_in
from tunesmith.fields import Record

CONTENT = Labelled()


def table(count=40):
    return records(*((text, "ab"[i % 4 == 0]) for i, text in enumerate(sentences(count))))


def test_made_rows_are_marked_keep_the_label_and_do_not_depend_on_order():
    rows, part = table(), catalog.part("augmentation", "typos")()
    made = enlarging.varied(rows, CONTENT, "typos", part, seed=1)
    assert made
    by_key = {row.key: row for row in rows}
    for row in made:
        (parent,) = enlarging.parents(row)
        assert enlarging.is_made(row)
        assert row.fields["label"] == by_key[parent].fields["label"]
        assert row.fields["text"] != by_key[parent].fields["text"]
    again = enlarging.varied(rows[::-1], CONTENT, "typos", part, seed=1)
    assert {row.key for row in again} == {row.key for row in made}
    other = enlarging.varied(rows, CONTENT, "typos", part, seed=1, copy=1)
    assert {row.key for row in other} != {row.key for row in made}
    assert len({row.place.id for row in [*made, *other]}) == len(made) + len(other)


def test_of_a_conversation_the_user_is_varied_alone():
    turns = [
        {"role": "system", "content": "Answer for the bicycle shop."},
        {"role": "user", "content": "Where is the parcel with brakes?"},
        {"role": "assistant", "content": "It arrives tomorrow morning."},
    ]
    (made,) = enlarging.varied(
        [Record({"messages": turns})], Chat(), "typos", catalog.part("augmentation", "typos")()
    )
    new = made.fields["messages"]
    assert [one == two for one, two in zip(turns, new, strict=True)] == [True, False, True]


def test_repeats_are_left_out():
    rows = table(6)
    twice = [enlarging.mark(rows[0].fields, "x", [rows[0]], n) for n in (1, 2)]
    fresh = enlarging.mark({"text": "an entirely different text", "label": "a"}, "x", [rows[1]], 1)
    near = enlarging.mark({"text": "an entirely different text!", "label": "a"}, "x", [rows[1]], 2)
    assert enlarging.new_only([*twice, fresh, near], rows, CONTENT, near=False) == [fresh, near]
    assert enlarging.new_only([*twice, fresh, near], rows, CONTENT, near=True) == [fresh]


def test_a_classifier_of_the_real_rows_must_agree():
    rows = records(
        *((f"the parcel number {n} is late", "shipping") for n in range(20)),
        *((f"the invoice number {n} is wrong", "billing") for n in range(20)),
    )
    good = enlarging.mark({"text": "my parcel is still late", "label": "shipping"}, "synth", rows[:2], 1)
    bad = enlarging.mark({"text": "my parcel is so late", "label": "billing"}, "synth", rows[:2], 2)
    assert enlarging.agreed([good, bad], rows, CONTENT, enlarging.linear_judge) == [good]


def test_what_classes_lack_and_who_is_drawn():
    assert enlarging.shortfall({"big": 100, "small": 4}) == {"big": 0, "small": 16}
    rows = table(40)
    picked = enlarging.drawn(rows, CONTENT, {"b": 25}, seed=3)
    assert len(picked) == 25
    assert {row.fields["label"] for row, _ in picked} == {"b"}
    assert len({(row.key, copy) for row, copy in picked}) == 25


def test_answers_of_models_are_read_in_any_shape():
    assert texts_in('Sure:\n```json\n["one text", " two ", 3, ""]\n```') == ["one text", "two"]
    assert texts_in("1. first text\n- second text\n\n* third") == ["first text", "second text", "third"]
    assert texts_in("[broken") == ["[broken"]
    assert pairs_in('[{"question": "Q?", "answer": "A"}, {"question": 1}, "x"]') == [("Q?", "A")]
    assert pairs_in("no list") == []


def test_folds_hold_whole_groups_and_every_class():
    truth = np.array([0] * 50 + [1] * 10)
    groups = np.arange(60)
    groups[5] = groups[3]
    folds = balance.stratified(truth, groups, 0)
    assert folds[5] == folds[3]
    assert all((truth[folds == fold] == 1).sum() == 2 for fold in range(balance.FOLDS))


def test_made_rows_join_only_fits_that_hold_their_parents_and_help_nobody_cheat():
    rows = table(60)
    # made rows that say the true label of their parent by heart: no help where the parent is predicted
    made = [enlarging.mark(dict(row.fields), "copy", [row], 1) for row in rows]
    plain, copied = balance.measured(rows, CONTENT, [Remedy("nothing"), Remedy("copies", made=made)])
    assert plain.truth.tolist() == copied.truth.tolist()
    assert plain.rows == copied.rows
    assert (
        abs((plain.logits.argmax(1) == plain.truth).mean() - (copied.logits.argmax(1) == plain.truth).mean())
        < 0.2
    )
