from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import records, sentences
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.sampling import sample

CONTENT = Labelled()


def rows(*sizes):
    labels = [label for number, size in enumerate(sizes) for label in [f"c{number}"] * size]
    return records(*zip(sentences(len(labels)), labels, strict=True))


def test_the_same_seed_draws_the_same_rows_in_any_order():
    every = rows(30, 20)
    mixed = every[:]
    random.Random(3).shuffle(mixed)
    one = {every[i].key for i in sample(every, CONTENT, 10, seed=4)}
    assert one == {mixed[i].key for i in sample(mixed, CONTENT, 10, seed=4)}
    assert one != {every[i].key for i in sample(every, CONTENT, 10, seed=5)}


def test_strata_keep_their_shares():
    every = rows(80, 15, 5)
    chosen = Counter(every[i].fields["label"] for i in sample(every, CONTENT, 20, stratify=True))
    assert chosen == {"c0": 16, "c1": 3, "c2": 1}
    assert len(Counter(every[i].fields["label"] for i in sample(every, CONTENT, 3, stratify=True))) == 3


@pytest.mark.parametrize("stratify", [False, True])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.data())
def test_as_many_rows_as_asked_each_once_in_order(stratify, sizes, data):
    every = rows(*sizes)
    count = data.draw(st.integers(1, len(every)))
    chosen = sample(every, CONTENT, count, seed=data.draw(st.integers(0, 3)), stratify=stratify)
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)


def test_equal_rows_are_drawn_one_by_one():
    same = records(*[("same", "a")] * 9)
    assert len(sample(same, CONTENT, 4)) == 4
