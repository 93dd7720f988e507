"""Two models on the same rows: which is better, by how much, and which rows it fixed or broke."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tunesmith.errors import DataError
from tunesmith.evaluate.intervals import REPLICATES, SEED, percentiles, resamples
from tunesmith.parts import Metric, Outcomes

FEWEST = (
    6  # rows in which two models must differ: the sign test can't reach 5 % with five (2 x 0.5^5 = 0.0625)
)
MOST_MORE = 100  # times the rows there are: beyond that "how many more would tell" is a guess


@dataclass(frozen=True, slots=True)
class Difference:
    """Score of the first model minus score of the second, with its 95 % interval over the same draws.

    fixed: keys of rows that only the first has right; broken: that only the second has right. outcome: of
    the first model (a lower log loss is 'better' too). more_rows: about how many more rows would tell; None
    where the outcome is told or no such number is honest.
    """

    value: float
    low: float
    high: float
    n: int
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    outcome: Literal["better", "worse", "cannot-tell"]
    more_rows: int | None = None

    def to_json(self) -> dict[str, Any]:
        """One JSON object; what is not finite becomes null."""
        values = {k: v if math.isfinite(v := getattr(self, k)) else None for k in ("value", "low", "high")}
        return values | {
            "n": self.n,
            "fixed": list(self.fixed),
            "broken": list(self.broken),
            "outcome": self.outcome,
            "more_rows": self.more_rows,
        }


def paired(
    a: Outcomes, b: Outcomes, metric: Metric, *, replicates: int = REPLICATES, seed: int = SEED
) -> Difference:
    """a against b.  Raises DataError G820 where the rows differ, G821 where their true labels do."""
    _require_same_rows(a, b)
    ones = np.ones(len(a.rows))
    value = metric.value(a, ones) - metric.value(b, ones)
    drawn = [metric.value(a, w) - metric.value(b, w) for w in resamples(a.groups, replicates, seed)]
    low, high = percentiles(np.array(drawn), value)
    ours, theirs = a.hits, b.hits
    fixed, broken = ours & ~theirs, theirs & ~ours
    changed = len(np.unique(a.groups[metric.parted(a, b)]))
    outcome = _outcome(low * metric.better, high * metric.better, metric, changed)
    more = more_rows(len(a.rows), abs(value), value - low if value > 0 else high - value)
    return Difference(
        value,
        low,
        high,
        int((metric.scored(a) & metric.scored(b)).sum()),
        tuple(a.rows[i] for i in np.flatnonzero(fixed)),
        tuple(a.rows[i] for i in np.flatnonzero(broken)),
        outcome,
        more if outcome == "cannot-tell" else None,
    )


def _outcome(
    one: float, other: float, metric: Metric, changed: int
) -> Literal["better", "worse", "cannot-tell"]:
    few = metric.better > 0 and changed < FEWEST
    if few or not min(one, other) * max(one, other) > 0:
        return "cannot-tell"
    return "better" if one > 0 else "worse"


def _require_same_rows(a: Outcomes, b: Outcomes) -> None:
    if a.rows != b.rows:
        other = len(set(a.rows) ^ set(b.rows))
        raise DataError(
            "G820",
            f"different rows were measured ({len(a.rows)} and {len(b.rows)}; {other} in one only)",
            expected="predictions of the same rows in the same order",
            fixes=("tunesmith compare A B --on DATA",),
        )
    pairs = zip(a.rows, a.truths(), b.truths(), strict=True)
    differ = [row for row, one, other in pairs if None not in (one, other) and one != other]
    if differ:
        raise DataError(
            "G821",
            f"{len(differ)} rows have another true label for one model than for the other",
            expected="one true label per row",
            fixes=("tunesmith compare A B --on DATA",),
            where=differ[0],
        )


def more_rows(n: int, effect: float, margin: float) -> int | None:
    """About how many more rows would make an effect clear whose interval reaches `margin` towards zero.

    The margin shrinks with the root of the rows. None where there is no effect, or it would take over 100
    times the rows.
    """
    if not effect > 0 or not math.isfinite(margin):
        return None
    needed = n * (margin / effect) ** 2
    return max(1, math.ceil(needed - n)) if needed <= n * MOST_MORE else None


def simplest_not_worse(candidates: Sequence[tuple[str, Outcomes]], metric: Metric) -> int:
    """Position of the simplest candidate (simplest first) that is not measurably worse than the best.

    Not measurably worse: the 95 % interval of best - candidate over the same draws reaches 0.
    """
    scores = [metric.better * metric.value(found, np.ones(len(found.rows))) for _, found in candidates]
    best = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
    for index, (_, found) in enumerate(candidates[:best]):
        if paired(candidates[best][1], found, metric).outcome != "better":
            return index
    return best
