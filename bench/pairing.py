"""Pairs of runs that stood next to each other in time, and what their ratio says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REPLICATES = 10_000
SEED = 20
FEW = 4  # pairs below which a bootstrap says less than the range that was seen


def order(pairs: int) -> list[str]:
    """'A' and 'B' in turn as A B B A A B B A …: what drifts with time falls on both alike."""
    return ["A" if place % 4 in (0, 3) else "B" for place in range(2 * pairs)]


def paired(runs: Sequence[tuple[str, float]]) -> list[tuple[float, float]]:
    """(A's number, B's number) of each two runs that follow each other.  runs: in the order of `order`."""
    found = []
    for first, second in zip(runs[::2], runs[1::2], strict=True):
        numbers = dict((first, second))
        if set(numbers) != {"A", "B"}:
            raise ValueError(f"{first[0]} and {second[0]} are no pair")
        found.append((numbers["A"], numbers["B"]))
    return found


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times A's number B's is: the median over pairs, its 95 % interval by bootstrap over pairs, and their
    number.  With fewer than four pairs the interval is the range that was seen.  bound: 'at least' where B, 'at most'
    where A was stopped before it reached its goal."""

    value: float
    low: float
    high: float
    pairs: int
    bound: str = ""


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """B ÷ A.  pairs: (A's number, B's number)."""
    each = np.array([theirs / ours for ours, theirs in pairs])
    low, high = (each.min(), each.max()) if len(each) < FEW else _interval(each)
    return Ratio(float(np.median(each)), float(low), float(high), len(each))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high) of ours − theirs over the same held-out rows, 95 % by bootstrap over rows."""
    each = np.asarray(ours, float) - np.asarray(theirs, float)
    rng = np.random.default_rng(SEED)
    means = [each[rng.integers(len(each), size=len(each))].mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(each.mean()), float(low), float(high)


def _interval(each: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(SEED).integers(len(each), size=(REPLICATES, len(each)))
    low, high = np.percentile(np.median(each[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)
