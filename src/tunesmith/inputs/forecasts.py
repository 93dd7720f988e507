"""How much more data would bring: a learning curve, extended by a power law."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

SEED = 20  # fixed: the same curve gives the same forecast
Z = 1.959964  # 97.5 % quantile of the normal distribution
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
    points: Iterable[tuple[float, float, float, float]],
    *,
    name: str = "macro-F1",
    more: float = MORE,
    seed: int = SEED,
) -> Forecast:
    """Extend a learning curve by the share `more`, with a power law a - b n^-c (b, c > 0, a <= 1).

    points: (rows, score, low, high), where low and high bound the score at 95 %.

    The interval comes from refitting to points drawn within their own intervals, and with each point left
    out. Cannot tell with fewer than three sizes, and where the interval holds both a worthwhile gain (0.005)
    and a negligible one (0.002).
    """
    points = [point for point in points if np.isfinite(point[1]) and point[0] > 0]
    if len({rows for rows, *_ in points}) < 3:
        sentence = "How much more data would bring can't be told from fewer than three sizes."
        return Forecast(float("nan"), float("nan"), float("nan"), "cannot-tell", sentence)
    n = np.array([rows for rows, *_ in points], dtype=np.float64)
    values = np.array([score for _, score, *_ in points])
    spread = np.array([_spread(high - low) for *_, low, high in points])
    now, then = n.max(), n.max() * (1 + more)
    gain, low, high = _expected(n, values, spread, now, then, seed)
    law = _fit(n, values[None], spread)
    curve = tuple((float(x), float(_at(law, x)[0])) for x in np.geomspace(n.min(), then, 40))
    return Forecast(gain, low, high, *_told(gain, low, high, now, then, name), curve)


def _expected(
    n: np.ndarray, values: np.ndarray, spread: np.ndarray, now: float, then: float, seed: int
) -> tuple[float, float, float]:
    """(gain, low, high) from `now` to `then` rows."""
    drawn = np.random.default_rng(seed).normal(values, spread, (DRAWS, len(n)))
    gain = float(_gains(n, values[None], spread, now, then)[0])
    ends = [gain, *np.percentile(_gains(n, drawn, spread, now, then), (2.5, 97.5))]
    if len(n) > 3:
        kept = [np.arange(len(n)) != i for i in range(len(n))]
        ends += [_gains(n[k], values[None, k], spread[k], now, then)[0] for k in kept]
    return gain, float(min(ends)), float(max(ends))


def _spread(width: float) -> float:
    return max(float(width) / (2 * Z), 1e-4) if np.isfinite(width) else 0.05


def _fit(n: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(a, b, c) [R, 3] of least weighted squares for each row of values [R, N].

    Linear in a and b for each c of a grid, so it never diverges.
    """
    x = n ** -POWERS[:, None]  # [P, N]
    weights = spread**-2 / (spread**-2).sum()
    middle_x, middle_y = x @ weights, values @ weights
    away_x, away_y = x - middle_x[:, None], values - middle_y[:, None]
    b = np.maximum(0, -(away_y * weights) @ away_x.T / (away_x**2 @ weights))  # [R, P]
    a = middle_y[:, None] + b * middle_x
    # no score exceeds 1: where the curve would, the best one that ends at 1
    b = np.where(a > 1, ((1 - values) * weights) @ x.T / (x**2 @ weights), b)
    a = np.minimum(a, 1)
    misfit = (a[..., None] - b[..., None] * x - values[:, None, :]) ** 2 @ weights
    best = misfit.argmin(axis=1)
    rows = np.arange(len(values))
    return np.stack([a[rows, best], b[rows, best], POWERS[best]], axis=1)


def _at(laws: np.ndarray, n: float | np.ndarray) -> np.ndarray:
    return laws[:, 0] - laws[:, 1] * n ** -laws[:, 2]


def _gains(n: np.ndarray, values: np.ndarray, spread: np.ndarray, now: float, then: float) -> np.ndarray:
    laws = _fit(n, np.clip(values, 0, 1), spread)
    return _at(laws, then) - _at(laws, now)


def _told(
    gain: float, low: float, high: float, now: float, then: float, name: str
) -> tuple[Literal["helps", "little", "cannot-tell"], str]:
    rows = f"{100 * (then / now - 1):.0f} % more training rows ({now:,.0f} to {then:,.0f})"
    figure = f"{gain:+.3f} {name} (95 % interval {low:+.3f} to {high:+.3f})"
    if low >= LITTLE:
        return "helps", f"{rows} would bring about {figure}."
    if high < WORTH:
        return "little", f"{rows} would bring little: about {figure}."
    return "cannot-tell", f"Can't tell yet whether {rows} would help: about {figure}."
