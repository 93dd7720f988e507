"""Share of rows that are right."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class Accuracy(Metric):
    """Right rows of all rows."""

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1; NaN without rows."""
        return counts(predictions, weights).accuracy
