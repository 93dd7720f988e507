"""How far a judge may be believed: its verdicts against people's on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.errors import DataError
from tunesmith.evaluate.intervals import Score, percentiles, resamples, share_score
from tunesmith.evaluate.judge import OUTCOMES, Judged


@dataclass(frozen=True, slots=True)
class Agreement:
    """share: rows on which judge and people say the same.  kappa: Cohen's (1960), beyond chance."""

    share: Score
    kappa: Score


def agreement(judged: Judged, people: Sequence[str | None]) -> Agreement | None:
    """The judge against people's outcomes (of the first model, in the order of the rows, None where nobody looked).

    None where no row has both.  Raises DataError G831 for another number of rows or another word.
    """
    _require_fit(judged, people)
    both = [
        row for row, (one, other) in enumerate(zip(judged.outcomes, people, strict=True)) if one and other
    ]
    if not both:
        return None
    codes = [OUTCOMES.index(judged.outcomes[row]) * 3 + OUTCOMES.index(people[row] or "") for row in both]
    cells, groups = np.array(codes), judged.groups[both]
    share = share_score(cells % 4 == 0, groups)  # 0, 4 and 8 lie on the diagonal
    assert share is not None
    value = kappa(cells, np.ones(len(cells)))
    drawn = np.array([kappa(cells, weights) for weights in resamples(groups)])
    return Agreement(share, Score(value, *percentiles(drawn, value), len(cells)))


def _require_fit(judged: Judged, people: Sequence[str | None]) -> None:
    unknown = sorted({each for each in people if each is not None} - set(OUTCOMES))
    if len(people) != len(judged.rows) or unknown:
        raise DataError(
            "G831",
            f"unknown verdicts: {', '.join(unknown)}" if unknown else f"{len(people)} verdicts of people",
            expected=f"{len(judged.rows)} verdicts, each of them {', '.join(OUTCOMES)} or nothing",
            fixes=("tunesmith explain G831",),
            where="people",
        )


def kappa(cells: np.ndarray, weights: np.ndarray) -> float:
    """Cohen's kappa of weighted rows; cells: [B] 3 · one's outcome + the other's.  1 where both know one word only."""
    table = np.bincount(cells, weights, 9).reshape(3, 3) / weights.sum()
    chance = float(table.sum(0) @ table.sum(1))
    return 1.0 if chance > 1 - 1e-12 else float((np.trace(table) - chance) / (1 - chance))
