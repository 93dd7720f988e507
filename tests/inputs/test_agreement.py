"""Agreement beyond chance: known values, bounds, and the same kappa as scikit-learn's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tunesmith.inputs.agreement import cohen, krippendorff

LABELS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40)


@given(LABELS)
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    one, two = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    expected = 1.0 if len({*one, *two}) == 1 else cohen_kappa_score(one, two)
    assert cohen(one, two) == pytest.approx(expected)
    assert cohen(one, two) == pytest.approx(cohen(two, one))


def test_a_known_kappa() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: the textbook case of 0.4
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen([pair[0] for pair in pairs], [pair[1] for pair in pairs]) == pytest.approx(0.4)
    assert math.isnan(cohen([], []))
    with pytest.raises(ValueError, match="2 and 1"):
        cohen(["a", "b"], ["a"])


def test_a_known_alpha() -> None:
    # Krippendorff's own example of nominal data: two observers, ten units, alpha = 0.095
    one, two = "0100000000", "1110010100"
    assert krippendorff(list(zip(one, two, strict=True))) == pytest.approx(0.095, abs=0.001)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=20))
def test_alpha_is_at_most_one_and_one_means_agreement(votes: list[list[str]]) -> None:
    alpha = krippendorff(votes)
    pairable = [each for each in votes if len(each) > 1]
    assert math.isnan(alpha) == (not pairable)
    if pairable:
        assert alpha <= 1 + 1e-12
        assert (alpha == pytest.approx(1)) == all(len(set(each)) == 1 for each in pairable)
