"""What curves say: how much more data would bring, and whether the model over- or underfits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tunesmith.evaluate.intervals import SEED, Score, Z

MORE = 0.2
LITTLE, WORTH = 0.002, 0.005  # gains in score: hardly visible; worth some labelling
POWERS = np.geomspace(0.1, 2.0, 25)  # exponents of published learning curves lie between about 0.1 and 1
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected gain in score from 20 % more rows, with a 95 % interval; NaN where nothing can be said.

    curve: (rows, expected score) from the smallest size to 20 % above the largest, for drawing.
    """

    gain: float
    low: float
    high: float
    outcome: Literal["helps", "little", "cannot-tell"]
    sentence: str
    curve: tuple[tuple[float, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One JSON object; what is not finite becomes null."""
        numbers = {n: v if np.isfinite(v := getattr(self, n)) else None for n in ("gain", "low", "high")}
        curve = [list(point) for point in self.curve]
        return numbers | {"outcome": self.outcome, "sentence": self.sentence, "curve": curve}


def forecast(
    sizes: Sequence[float],
    scores: Sequence[Score],
    *,
    name: str = "macro-F1",
    more: float = MORE,
    seed: int = SEED,
) -> Forecast:
    """Extend the learning curve by the share `more`, with a power law a - b n^-c (b, c > 0, a <= 1).

    The interval comes from refitting to points drawn within their own intervals, and with each point left
    out. Cannot tell with fewer than three sizes, and where the interval holds both a worthwhile gain (0.005)
    and a negligible one (0.002).
    """
    points = [(n, s) for n, s in zip(sizes, scores, strict=True) if np.isfinite(s.value) and n > 0]
    if len({n for n, _ in points}) < 3:
        sentence = "How much more data would bring can't be told from fewer than three sizes."
        return Forecast(float("nan"), float("nan"), float("nan"), "cannot-tell", sentence)
    n = np.array([size for size, _ in points], dtype=np.float64)
    values = np.array([score.value for _, score in points])
    spread = np.array([_spread(score) for _, score in points])
    law = _fit(n, values, spread)
    reach = n.max() * (1 + more)
    drawn = np.random.default_rng(seed).normal(values, spread, (DRAWS, len(n)))
    gains = [_gain(_fit(n, np.clip(row, 0, 1), spread), n.max(), reach) for row in drawn]
    gain = _gain(law, n.max(), reach)
    left_out = [_gain(_fit(*_without(i, n, values, spread)), n.max(), reach) for i in range(len(n))]
    ends = [gain, *np.percentile(gains, (2.5, 97.5)), *(left_out if len(n) > 3 else ())]
    low, high = float(min(ends)), float(max(ends))
    grid = np.geomspace(n.min(), reach, 40)
    curve = tuple((float(x), float(_at(law, x))) for x in grid)
    return Forecast(gain, low, high, *_told(gain, low, high, n.max(), reach, name), curve)


def _without(index: int, *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.delete(column, index) for column in columns)


def _spread(score: Score) -> float:
    width = score.high - score.low
    return max(float(width) / (2 * Z), 1e-4) if np.isfinite(width) else 0.05


def _fit(n: np.ndarray, values: np.ndarray, spread: np.ndarray) -> tuple[float, float, float]:
    """(a, b, c) of least weighted squares: linear in a and b for each c of a grid, so it never diverges."""
    weights = 1 / spread**2
    best, law = np.inf, (float(np.average(values, weights=weights)), 0.0, 1.0)
    for c in POWERS:
        x = n**-c
        middle_x, middle_y = np.average(x, weights=weights), np.average(values, weights=weights)
        b = -float(weights @ ((x - middle_x) * (values - middle_y)) / (weights @ (x - middle_x) ** 2))
        b = max(b, 0.0)
        a = middle_y + b * middle_x
        if a > 1:  # no score exceeds 1: the line through (0, 1) that fits best
            a, b = 1.0, float(weights @ (x * (1 - values)) / (weights @ x**2))
        loss = float(weights @ (a - b * x - values) ** 2)
        if loss < best - 1e-12:
            best, law = loss, (float(a), b, float(c))
    return law


def _at(law: tuple[float, float, float], n: float) -> float:
    return law[0] - law[1] * n ** -law[2]


def _gain(law: tuple[float, float, float], now: float, then: float) -> float:
    return float(_at(law, then) - _at(law, now))


def _told(
    gain: float, low: float, high: float, now: float, then: float, name: str
) -> tuple[Literal["helps", "little", "cannot-tell"], str]:
    rows = f"{100 * (then / now - 1):.0f} % more training rows ({now:,.0f} to {then:,.0f})"
    figure = f"{gain:+.3f} {name} (95 % interval {low:+.3f} to {high:+.3f})"
    if low >= LITTLE:
        return "helps", f"{rows} would bring about {figure}."
    if high < WORTH:
        return "little", f"{rows} would bring little: about {figure}."
    return "cannot-tell", f"Whether {rows} would help can't be told yet: about {figure}."


def fit_diagnosis(
    train_score: float, validation: Sequence[float], *, tolerance: float = 0.01, name: str = "macro-F1"
) -> tuple[Literal["overfits", "underfits", "fits"], str]:
    """Over- or underfitting, from the score on training rows and validation scores in the order of training.

    overfits: validation fell from its best by more than `tolerance` and more than a tenth of its gap to the
    training score. underfits: the model is hardly better on rows it saw (gap under 2 tolerances) and still
    not good (under 0.9), or validation was still rising by more than `tolerance` when training ended.
    """
    if not validation:
        return "fits", "There is no validation curve, so over- and underfitting can't be told apart."
    best, last = max(validation), validation[-1]
    gap = train_score - best
    seen = f"{name} {train_score:.3f} on training rows, {best:.3f} at best on validation rows"
    if best - last > max(tolerance, gap / 10):
        return "overfits", f"It overfits at the end: {seen}, {last:.3f} when training ended."
    if len(validation) > 1 and last == best and last - validation[-2] > tolerance:
        return "underfits", f"It was still learning when training ended: {seen}. More epochs should help."
    if gap < 2 * tolerance and train_score < 0.9:
        return "underfits", f"It underfits: {seen}. A larger model or more training should help."
    if gap > 0.1:
        return (
            "fits",
            f"It knows its training rows better than new ones: {seen}. More varied rows would help.",
        )
    return "fits", f"Neither over- nor underfitting shows: {seen}."
