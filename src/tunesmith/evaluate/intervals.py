"""The only place that resamples: 95 % intervals by bootstrap over groups, and by Wilson for shares of rows.

Rows of one group (near-duplicates, one customer) are drawn together, so an interval says how the score
would move with other groups, not with other copies of the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from tunesmith.parts import Metric, Outcomes

REPLICATES = 1000
SEED = 20  # fixed: the same predictions give the same interval
Z = 1.959964  # 97.5 % quantile of the normal distribution
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Score:
    """A score with its 95 % interval and the number of rows that it rests on.

    low and high are NaN (null in JSON) where nothing can be said: a score that is no share, from a single
    group.
    """

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """{value, low, high, n}; what is not finite becomes null."""
        values = {name: float(getattr(self, name)) for name in ("value", "low", "high")}
        return {name: v if np.isfinite(v) else None for name, v in values.items()} | {"n": self.n}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Score:
        """The inverse of `to_json`."""
        nan = float("nan")
        low, high = (nan if value[k] is None else float(value[k]) for k in ("low", "high"))
        return Score(nan if value["value"] is None else float(value["value"]), low, high, int(value["n"]))


def resamples(groups: np.ndarray, replicates: int = REPLICATES, seed: int = SEED) -> Iterator[np.ndarray]:
    """Row weights [B], one array per replicate: how often the row's group was drawn.

    A function of (groups, seed): two models on the same rows meet the same draws. One replicate is held in
    memory.
    """
    _, member = np.unique(groups, return_inverse=True)
    size = int(member.max(initial=-1)) + 1
    generator = np.random.default_rng(seed)
    for _ in range(replicates if size else 0):
        drawn = np.bincount(generator.integers(size, size=size), minlength=size)
        yield drawn[member].astype(np.float64)


def interval(
    predictions: Outcomes, metric: Metric, *, replicates: int = REPLICATES, seed: int = SEED
) -> Score:
    """The score on all rows with its 95 % percentile interval.

    Where all rows are right, or all are wrong, resampling shows no spread although the truth may well be
    less clear: the interval then reaches at least as far as Wilson's for that share.
    """
    return intervals(predictions, {"": metric}, replicates=replicates, seed=seed)[""]


def intervals(
    predictions: Outcomes,
    metrics: Mapping[str, Metric],
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Score]:
    """`interval` for several metrics over the same draws."""
    ones = np.ones(len(predictions.rows))
    drawn = [
        [metric.value(predictions, weights) for metric in metrics.values()]
        for weights in resamples(predictions.groups, replicates, seed)
    ]
    table = np.array(drawn, dtype=np.float64).reshape(len(drawn), len(metrics))
    return {
        name: _score(predictions, metric, metric.value(predictions, ones), table[:, column])
        for column, (name, metric) in enumerate(metrics.items())
    }


def _score(predictions: Outcomes, metric: Metric, value: float, drawn: np.ndarray) -> Score:
    low, high = percentiles(drawn, value)
    scored = metric.scored(predictions)
    num_groups = len(np.unique(predictions.groups[scored]))
    if num_groups < 2:
        low = high = float("nan")
    if num_groups and (share := _uniform(predictions, metric, value)) is not None:
        least, most = wilson(share * num_groups, num_groups)
        low, high = float(np.fmin(low, min(least, value))), float(np.fmax(high, max(most, value)))
    return Score(value, low, high, int(scored.sum()))


def _uniform(predictions: Outcomes, metric: Metric, value: float) -> float | None:
    """0 or 1 where all rows agree, so that resampling them shows no spread; else None."""
    if metric.share:
        return value if value in (0.0, 1.0) else None
    hits = predictions.hits if metric.predicts == "label" and metric.better > 0 else np.array([0, 1])
    return float(hits[0]) if hits.all() or not hits.any() else None


def percentiles(drawn: np.ndarray, value: float) -> tuple[float, float]:
    """95 % interval from replicates by bias-corrected percentiles (Efron 1981) that holds the value.

    Averages over small classes come out lower in resamples than on the rows themselves; uncorrected
    percentiles then miss the truth above in 11 % instead of 2.5 % (77 classes, 770 rows). Replicates that
    are NaN are left out.
    """
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn) or not np.isfinite(value):
        return float("nan"), float("nan")
    below = float((drawn < value).mean() + (drawn == value).mean() / 2)
    shift = float(np.clip(NORMAL.inv_cdf(min(max(below, 1e-4), 1 - 1e-4)), -1, 1))
    low, high = np.percentile(drawn, [100 * NORMAL.cdf(2 * shift + z) for z in (-Z, Z)])
    return min(float(low), value), max(float(high), value)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), honest for few trials and at 0 and 1; (0, 1) without any."""
    if trials <= 0:
        return 0.0, 1.0
    share = successes / trials
    middle = (share + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    reach = Z / (1 + Z**2 / trials) * np.sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


def share_score(hits: np.ndarray, groups: np.ndarray) -> Score | None:
    """The share of true values in `hits` with Wilson's interval; None without rows.

    Rows of one group count as one trial, so that copies of a row narrow nothing.
    """
    if not len(hits):
        return None
    value, trials = float(hits.mean()), len(np.unique(groups))
    low, high = wilson(value * trials, trials)
    return Score(value, min(low, value), max(high, value), len(hits))
