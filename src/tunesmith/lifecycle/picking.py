"""Which of the measured rungs is served, whatever they predict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.errors import UsageError
from tunesmith.evaluate import compare, measure
from tunesmith.lifecycle.climb import Rung


def picked(rungs: Sequence[Rung], metric: str, prefer: str) -> tuple[Rung, str]:
    """(rung, why).  'simple': the simplest that is not measurably worse than the best; 'best': the best.

    Raises UsageError C162 where no rung was measured.
    """
    judged = measure.metric(metric)
    candidates = [(rung, rung.predictions) for rung in rungs if rung.predictions is not None]
    if not candidates:
        raise _none(rungs)
    values = [judged.better * rung.scores[metric].value for rung, _ in candidates]
    best = int(np.argmax(np.nan_to_num(values, nan=-np.inf)))
    named = [(rung.name, found) for rung, found in candidates]
    index = best if prefer == "best" else compare.simplest_not_worse(named, judged)
    chosen, rival = candidates[index][0], candidates[best][0]
    if index == best:
        return chosen, f"{chosen.name} scores best on the validation rows"
    return chosen, f"{chosen.name} is the simplest rung that is not measurably worse than {rival.name}"


def _none(rungs: Sequence[Rung]) -> UsageError:
    """Nothing was measured: every rung was skipped, or there are no validation rows."""
    reasons = dict.fromkeys(rung.skipped for rung in rungs if rung.skipped)
    return UsageError(
        "C162",
        f"no rung of the ladder could be measured: {'; '.join(reasons) or 'there are no validation rows'}",
        expected="one that can run here, and rows to choose by",
        fixes=("tunesmith up FILE --base FOLDER", "tunesmith up FILE --endpoint URL --model NAME")
        if reasons
        else ("--set data.split.validation=0.15",),
        where="up",
    )
