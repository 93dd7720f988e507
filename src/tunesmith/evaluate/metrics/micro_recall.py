"""Recall over all rows at once: with one label a row, the same as accuracy."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class MicroRecall(Metric):
    """Recall of all decisions together; each row has one label and one guess, so this is accuracy."""

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1; NaN without rows."""
        return counts(predictions, weights).accuracy
