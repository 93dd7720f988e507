"""Mean recall of the classes: a rare class counts as much as a frequent one."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class BalancedAccuracy(Metric):
    """Mean recall over the classes that occur in the truth (equal to macro recall)."""

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1; NaN without rows."""
        found = counts(predictions, weights)
        return found.macro(found.recall)
