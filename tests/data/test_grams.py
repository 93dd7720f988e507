from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data import grams

TEXTS = st.text(alphabet="ab é\ud800漢🙂\x00\xff", max_size=20)


def strings(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def test_an_ascii_gram_is_its_bytes():
    assert grams.unique("abcde").tolist() == [int.from_bytes(b"abcde", "little")]


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_sets_of_numbers_are_as_sets_of_strings(first, second):
    mine, theirs = grams.unique(first), grams.unique(second)
    assert len(mine) == len(strings(first))
    assert len(set(mine.tolist()) & set(theirs.tolist())) == len(strings(first) & strings(second))


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_a_text_has_the_same_grams_among_others(texts):
    values, bounds = grams.flat(texts)
    assert len(bounds) == len(texts) + 1
    assert bounds[-1] == len(values)
    for index, text in enumerate(texts):
        own = values[int(bounds[index]) : int(bounds[index + 1])]
        assert np.array_equal(np.unique(own), grams.unique(text))


def test_mixing_is_one_to_one_and_spreads():
    values = grams.mixed(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(values)) == 100_000
    counts = np.bincount((values >> np.uint64(60)).astype(np.int64), minlength=16)
    assert counts.min() > 6000
