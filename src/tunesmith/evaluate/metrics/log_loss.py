"""Mean surprise at the truth in nats: punishes being sure and wrong; 0 is perfect."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.parts import Metric, Predictions

_SMALLEST = np.finfo(np.float64).eps


class LogLoss(Metric):
    """Mean of -ln p(truth).

    Probabilities are cut at 2.2e-16, so one row costs at most 36; a label that the model does not know
    costs that.
    """

    better: ClassVar[int] = -1
    probabilistic: ClassVar[bool] = True

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """0 or more, less is better; NaN without rows."""
        known = predictions.truth >= 0
        chance = np.zeros(len(predictions.truth))
        chance[known] = predictions.probs[np.flatnonzero(known), predictions.truth[known]]
        return ratio(float(-np.log(np.clip(chance, _SMALLEST, 1)) @ weights), weights.sum())
