"""Rows are cut or divided so that nothing is learnt twice and what is lost is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs.windows import divided, fitted
from tunesmith.parts import Tokens

IDS = list(range(100, 110))
WEIGHTS = [0.0, 0, 0, 1, 1, 0, 0, 0, 2, 2]


@pytest.mark.parametrize("truncation", ["drop", "left", "right", "split"])
@pytest.mark.parametrize("window", [0, 10, 99])
def test_what_fits_stays_whole(truncation, window: int) -> None:
    assert fitted(IDS, WEIGHTS, truncation=truncation, window=window) == [Tokens(tuple(IDS), tuple(WEIGHTS))]


def test_drop_leaves_the_row_out() -> None:
    assert fitted(IDS, WEIGHTS, truncation="drop", window=9) == []


def test_left_keeps_the_end_and_the_token_that_begins() -> None:
    (made,) = fitted(IDS, WEIGHTS, truncation="left", window=5, keep=1)
    assert made == Tokens((100, 106, 107, 108, 109), (0.0, 0.0, 0.0, 2, 2), 5, 2)
    (bare,) = fitted(IDS, WEIGHTS, truncation="left", window=2)
    assert bare == Tokens((108, 109), (0.0, 2), 8, 3), "nothing comes before the first token"


def test_right_keeps_the_start() -> None:
    (made,) = fitted(IDS, WEIGHTS, truncation="right", window=4)
    assert made == Tokens((100, 101, 102, 103), (0.0, 0, 0, 1), 6, 3)


def test_split_learns_each_token_once_and_leaves_out_windows_without_any() -> None:
    made = fitted(IDS, WEIGHTS, truncation="split", window=5, keep=1)
    assert [each.ids for each in made] == [(100, 101, 102, 103, 104), (100, 107, 108, 109)]
    assert [each.weights for each in made] == [(0.0, 0, 0, 1, 1), (0.0, 0, 2, 2)]
    assert made[0].cut == 2 and made[1].cut == 0


rows = st.lists(st.floats(0, 2).map(lambda weight: round(weight, 1)), min_size=1, max_size=60)


@given(rows, st.integers(3, 20), st.integers(1, 20), st.integers(0, 1))
def test_dividing_keeps_every_weight_once(weights, window: int, stride: int, keep: int) -> None:
    weights = [0.0, *weights[1:]]
    made = divided(range(len(weights)), weights, window=window, stride=stride, keep=keep)
    assert all(len(each.ids) == len(each.weights) <= window for each in made)
    got = [(token, weight) for each in made for token, weight in zip(each.ids, each.weights, strict=True)]
    assert sorted(pair for pair in got if pair[1]) == [
        (at, weight) for at, weight in enumerate(weights) if weight
    ]
    assert all(not each.weights or each.weights[0] == 0 for each in made)
    for each in made[1:]:
        assert each.ids[:keep] == (0,) * keep, "what begins a text begins every window"
        assert list(each.ids[keep:]) == list(range(each.ids[keep], each.ids[keep] + len(each.ids) - keep))


@given(rows, st.integers(1, 70), st.sampled_from(["left", "right"]), st.integers(0, 1))
def test_cutting_counts_what_is_lost(weights, window: int, truncation, keep: int) -> None:
    (made,) = fitted(range(len(weights)), weights, truncation=truncation, window=window, keep=keep)
    assert len(made.ids) == min(window, len(weights)) and made.cut == len(weights) - len(made.ids)
    if made.cut:
        inside = [weights[token] for token in made.ids]
        assert made.cut_learnt == sum(w != 0 for w in weights) - sum(w != 0 for w in inside[1:])
        assert list(made.weights[1:]) == inside[1:] and made.weights[0] == 0
