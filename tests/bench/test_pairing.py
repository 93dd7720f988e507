"""Pairs and their ratio: order, interval, what is no pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import pairing


def test_runs_alternate_so_that_a_drift_falls_on_both():
    assert "".join(pairing.order(4)) == "ABBAABBA"
    drift = dict.fromkeys("AB", 0)
    for at, side in enumerate(pairing.order(4)):
        drift[side] += at
    assert drift["A"] == drift["B"]


def test_neighbours_are_paired_whichever_came_first():
    runs = list(zip(pairing.order(2), [1.0, 2.0, 4.0, 2.0], strict=True))
    assert pairing.paired(runs) == [(1.0, 2.0), (2.0, 4.0)]


def test_two_runs_of_one_arm_are_no_pair():
    with pytest.raises(ValueError, match="no pair"):
        pairing.paired([("A", 1.0), ("A", 1.0)])


def test_few_pairs_give_the_range_that_was_seen():
    assert pairing.ratio([(1.0, 2.0), (1.0, 3.0)]) == pairing.Ratio(2.5, 2.0, 3.0, 2)


@given(st.lists(st.floats(0.5, 5.0), min_size=4, max_size=9))
def test_the_interval_holds_the_median_and_stays_inside_what_was_seen(ratios: list[float]):
    found = pairing.ratio([(1.0, each) for each in ratios])
    assert min(ratios) <= found.low <= found.value <= found.high <= max(ratios)
    assert found.pairs == len(ratios)


def test_rows_that_differ_alike_have_an_interval_around_their_difference():
    mean, low, high = pairing.difference([1.0, 2.0, 3.0], [0.5, 1.5, 2.5])
    assert (mean, low, high) == (0.5, 0.5, 0.5)
