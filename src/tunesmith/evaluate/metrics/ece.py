"""How far confidence is from being right, on average: 0 is perfectly calibrated."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.parts import Metric, Predictions

BINS = 15


class Ece(Metric):
    """Expected calibration error of the guess in 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599).

    Estimates are too high on few rows: even a perfectly calibrated model does not reach 0.
    """

    better: ClassVar[int] = -1
    probabilistic: ClassVar[bool] = True

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1, less is better; NaN without rows."""
        confidence = predictions.probs[np.arange(len(predictions.guess)), predictions.guess].astype(
            np.float64
        )
        bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        gap = np.bincount(bins, weights * ((predictions.guess == predictions.truth) - confidence), BINS)
        return ratio(np.abs(gap).sum(), weights.sum())
