"""The forecast from the learning curve, and over- and underfitting."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tunesmith.evaluate.curves import fit_diagnosis, forecast
from tunesmith.evaluate.intervals import Score

SIZES = (800, 2000, 4000, 8000)


def points(values: list[float], half: float = 0.005) -> list[Score]:
    return [Score(v, v - half, v + half, 2000) for v in values]


@pytest.mark.parametrize("law", [(0.95, 3.0, 0.5), (0.9, 8.0, 0.7), (1.0, 1.2, 0.3)])
def test_a_power_law_is_extended(law: tuple[float, float, float]) -> None:
    a, b, c = law
    true = b * 8000**-c - b * 9600**-c
    found = forecast(SIZES, points([a - b * n**-c for n in SIZES]))
    assert found.gain == pytest.approx(true, abs=0.0015) and found.low - 1e-3 <= true <= found.high + 1e-3
    assert "8,000 to 9,600" in found.sentence and found.curve[-1][0] == pytest.approx(9600)


def test_a_steep_curve_helps_and_a_flat_one_does_not() -> None:
    assert forecast(SIZES, points([0.5, 0.6, 0.7, 0.8])).outcome == "helps"
    flat = forecast(SIZES, points([0.9, 0.9, 0.9, 0.9], 0.002))
    assert flat.outcome == "little" and flat.gain == pytest.approx(0, abs=0.001)
    assert forecast(SIZES, points([0.9, 0.89, 0.9, 0.88], 0.002)).outcome == "little"


def test_it_says_when_it_cannot_tell() -> None:
    few = forecast(SIZES[:2], points([0.8, 0.9]))
    assert few.outcome == "cannot-tell" and few.to_json()["gain"] is None and few.curve == ()
    wide = forecast((40, 100, 200), points([0.5, 0.55, 0.6], 0.2))
    assert wide.outcome == "cannot-tell" and wide.low <= wide.gain <= wide.high
    nothing = forecast(SIZES, [Score(float("nan"), float("nan"), float("nan"), 0)] * 4)
    assert nothing.outcome == "cannot-tell"


def test_it_is_never_wild() -> None:
    draw = np.random.default_rng(9)
    for _ in range(30):
        found = forecast(SIZES, points(draw.random(4).tolist(), 0.1))
        assert 0 <= found.low <= found.gain <= found.high <= 1
        assert all(np.isfinite(v) for pair in found.curve for v in pair)
        json.dumps(found.to_json())


def test_fit_diagnosis() -> None:
    assert fit_diagnosis(1.0, [0.7, 0.8, 0.75])[0] == "overfits"
    assert fit_diagnosis(0.62, [0.55, 0.61, 0.61])[0] == "underfits"
    assert fit_diagnosis(0.95, [0.7, 0.8, 0.9])[0] == "underfits"  # it was still rising
    assert fit_diagnosis(0.96, [0.9, 0.93, 0.928])[0] == "fits"
    word, sentence = fit_diagnosis(1.0, [0.78, 0.80, 0.80])
    assert word == "fits" and "0.800" in sentence and "more varied rows" in sentence.lower()
    assert "no validation curve" in fit_diagnosis(1.0, [])[1]
