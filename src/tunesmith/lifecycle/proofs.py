"""What the proof of a chosen rung leaves, whatever its task predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.evaluate.measure import Score
from tunesmith.evaluate.verdict import Verdict
from tunesmith.lifecycle.prove import Final
from tunesmith.parts import Outcomes


@dataclass(frozen=True)
class Proven:
    """A model that may be bundled, and what the test rows say of it.

    outcomes, scores: by rung name, 'chosen' among them, all on the same rows.  fitted: a sentence on over- and
    underfitting.  report: the sections of the report that this kind of prediction has besides (`evaluate/report.py`).
    """

    final: Final
    outcomes: Mapping[str, Outcomes]
    scores: Mapping[str, Mapping[str, Score]]
    verdict: Verdict
    fitted: str
    report: Mapping[str, Any]
