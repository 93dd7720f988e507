"""Matthews correlation of guesses and truth: 1 perfect, 0 no better than chance."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class Mcc(Metric):
    """Matthews correlation coefficient for any number of classes (R_K; Gorodkin 2004)."""

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between -1 and 1; 0 where truth or guesses hold one class only; NaN without rows."""
        found = counts(predictions, weights)
        total = found.actual.sum()
        if total <= 0:
            return float("nan")
        together = found.right.sum() * total - found.guessed @ found.actual
        spread = (total**2 - found.guessed @ found.guessed) * (total**2 - found.actual @ found.actual)
        return float(together / np.sqrt(spread)) if spread > 0 else 0.0
