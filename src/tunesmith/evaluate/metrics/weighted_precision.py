"""Mean precision of the classes, weighted by how many rows belong to each."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class WeightedPrecision(Metric):
    """Mean of precision over classes, weighted by support."""

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1; NaN without rows."""
        found = counts(predictions, weights)
        return found.weighted(found.precision)
