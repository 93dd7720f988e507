"""Mean squared error of the probabilities: 0 is perfect, 2 is surely wrong everywhere."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.parts import Metric, Predictions


class Brier(Metric):
    """Brier score summed over classes (Brier 1950); with two classes twice the one-sided form."""

    better: ClassVar[int] = -1
    probabilistic: ClassVar[bool] = True

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 2, less is better; NaN without rows."""
        probs = predictions.probs.astype(np.float64)
        known = np.flatnonzero(predictions.truth >= 0)
        # sum over c of (p_c - y_c)^2 = sum of p_c^2 - 2 p_truth + 1
        loss = np.einsum("bc,bc->b", probs, probs) + 1
        loss[known] -= 2 * probs[known, predictions.truth[known]]
        return ratio(loss @ weights, weights.sum())
