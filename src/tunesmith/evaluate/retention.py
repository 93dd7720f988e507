"""What a tuned model still knows: scores before and after on the same rows, with a verdict for each ability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.evaluate.compare import Difference, paired
from tunesmith.evaluate.intervals import Score, interval
from tunesmith.parts import Metric, Outcomes

KEPT = 0.02  # of the score before: a loss that is surely smaller is none

Verdict = Literal["kept", "lost", "gained", "cannot-tell"]


@dataclass(frozen=True, slots=True)
class Ability:
    """One ability.  before, after: its score by the base and by the tuned model, on the same n rows.

    difference: after − before, paired.  rise: relative change of what is measured (0.1: a tenth more).
    """

    name: str
    metric: str
    before: Score
    after: Score
    difference: Difference
    verdict: Verdict
    rise: float

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        told = {"kept": "kept", "lost": "lost in part", "gained": "gained", "cannot-tell": "can't tell"}
        return (
            f"{self.name}: {told[self.verdict]} ({self.metric} {self.before.value:.3f} before, "
            f"{self.after.value:.3f} after, {self.difference.low:+.3f} to {self.difference.high:+.3f}, "
            f"n {self.after.n:,})"
        )

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        pair = self.difference.to_json()
        return {
            "name": self.name,
            "metric": self.metric,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "difference": {key: pair[key] for key in ("value", "low", "high", "n")},
            "rise": self.rise if math.isfinite(self.rise) else None,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }


def ability(name: str, metric_name: str, metric: Metric, before: Outcomes, after: Outcomes) -> Ability:
    """Lost or gained: the 95 % interval of the paired difference leaves zero out.  Kept: it does not, and its worse end
    is less than 2 % of the score before.  Else nobody can tell from these rows."""
    one, other, found = interval(before, metric), interval(after, metric), paired(after, before, metric)
    worst = min(found.low * metric.better, found.high * metric.better)
    verdict: Verdict = "cannot-tell"
    if found.outcome != "cannot-tell":
        verdict = "gained" if found.outcome == "better" else "lost"
    elif worst > -KEPT * abs(one.value):
        verdict = "kept"
    rise = (other.value - one.value) / one.value if one.value else math.nan
    return Ability(name, metric_name, one, other, found, verdict, rise)


def summary(found: Sequence[Ability]) -> str:
    """All verdicts in one sentence."""
    lost = [each.name for each in found if each.verdict == "lost"]
    unsure = [each.name for each in found if each.verdict == "cannot-tell"]
    if lost:
        return f"Measurably forgotten: {', '.join(lost)}."
    if unsure:
        return f"Nothing is measurably forgotten; can't tell: {', '.join(unsure)}."
    return "Nothing is forgotten that was looked at."
