from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tunesmith.data import deletions
from tunesmith.data.checks._alike import distance, numbers

LETTERS = st.sampled_from("ab 7漢\0\ud800")


@settings(max_examples=300, deadline=None)
@given(st.text(LETTERS, min_size=10, max_size=20), st.integers(0, 20), LETTERS, st.integers(0, 2))
def test_texts_one_edit_apart_share_a_key(text, at, letter, kind):
    at %= len(text)
    other = text[:at] + ("" if kind == 1 else letter) + text[at if kind == 2 else at + 1 :]
    assume(10 <= len(other) <= 20 and numbers(other) == numbers(text))
    first, second = deletions.keys([text, other]).tolist()
    assert set(first) & set(second)


@settings(max_examples=300, deadline=None)
@given(*[st.text("abcdef ", min_size=10, max_size=20)] * 2)
def test_texts_far_apart_share_none(one, other):
    assume(distance(one, other) > 2)
    first, second = deletions.keys([one, other]).tolist()
    assert not set(first) & set(second)


def test_other_numbers_share_none():
    first, second = deletions.keys(["order no 4711", "order no 4712"]).tolist()
    assert not set(first) & set(second)


def test_a_key_is_listed_once_for_each_text():
    table = deletions.keys(["aaaaaaaaaaaa", "abcdefghijkl"])
    members, keys = deletions.pairs(np.array([4, 9]), table)
    assert sorted(members.tolist()) == [4] * 2 + [9] * 13
    assert (np.diff(keys.astype(np.int64)) >= 0).all()
    assert deletions.keys([]).shape == (0, 21)
