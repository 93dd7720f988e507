"""Temperature and abstain threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.evaluate.calibration import reliability, risk_coverage, softmax, temperature, threshold


def test_temperature_is_found() -> None:
    draw = np.random.default_rng(5)
    logits = draw.normal(size=(20_000, 4)) * 2
    truth = np.array([draw.choice(4, p=p) for p in softmax(logits)])
    assert temperature(logits, truth) == pytest.approx(1, abs=0.03)
    assert temperature(logits * 3, truth) == pytest.approx(3, abs=0.09)
    truth[:50] = -1
    assert temperature(logits / 2, truth) == pytest.approx(0.5, abs=0.02)


def test_temperature_corners() -> None:
    assert temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) == 1
    assert temperature(np.ones((4, 1)), np.zeros(4, dtype=int)) == 1
    assert temperature(np.ones((4, 3)), np.full(4, -1)) == 1
    perfect = np.eye(3)[[0, 1, 2]] * 5
    assert 0.01 <= temperature(perfect, np.arange(3)) <= 100


def test_softmax_is_stable() -> None:
    probs = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], dtype=np.float32))
    assert probs.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_threshold_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, True, False, False])
    assert threshold(confidence, right) == (0.7, 0.6, 0.0)  # half of 0.4 is 0.2; with 0.6 it would be 0.25
    assert threshold(confidence, right, 0.25) == (0.6, 0.8, 0.25)
    assert threshold(confidence, right, 0.5) == (0.0, 1.0, 0.4)


def test_threshold_corners() -> None:
    assert threshold(np.array([0.9]), np.array([True])) == (0.0, 1.0, 0.0)
    assert threshold(np.array([]), np.array([], dtype=bool)) == (0.0, 1.0, 0.0)
    flat = threshold(np.full(10, 0.5), np.arange(10) < 5)
    assert flat == (0.0, 1.0, 0.5)  # no threshold parts equal confidences
    hopeless = threshold(np.array([0.9, 0.8, 0.7]), np.array([False, True, True]), 0.1)
    assert hopeless == (0.0, 1.0, pytest.approx(1 / 3))


@given(
    st.lists(st.tuples(st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.8, 0.9]), st.booleans()), min_size=1),
    st.floats(0.01, 0.99),
)
def test_threshold_says_what_it_does(rows: list[tuple[float, bool]], target: float) -> None:
    confidence, right = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    limit, coverage, error = threshold(confidence, right, target)
    answered = confidence >= limit
    assert coverage == pytest.approx(answered.mean()) and error == pytest.approx(1 - right[answered].mean())
    better = [c for c in {0.0, *confidence} if (~right[confidence >= c]).mean() <= target]
    if better:
        assert error <= target and limit == (0.0 if min(better) <= confidence.min() else min(better))


def test_a_higher_target_never_answers_less() -> None:
    draw = np.random.default_rng(6)
    confidence = draw.random(300)
    right = draw.random(300) < confidence
    covered = [threshold(confidence, right, target)[1] for target in (0.05, 0.1, 0.2, 0.3, 0.4)]
    assert covered == sorted(covered)


def test_curves_for_the_report() -> None:
    steps, covered, errors = risk_coverage(np.array([0.9, 0.9, 0.4]), np.array([True, False, True]))
    assert steps.tolist() == [0.9, 0.4] and covered.tolist() == pytest.approx([2 / 3, 1])
    assert errors.tolist() == pytest.approx([0.5, 1 / 3])
    assert reliability(np.array([0.95, 0.97, 0.1]), np.array([True, False, True]), 10) == [
        (0.1, 1.0, 1),
        (pytest.approx(0.96), 0.5, 2),
    ]
