"""Mean F1 of the classes: a rare class counts as much as a frequent one."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import counts
from tunesmith.parts import Metric, Predictions


class MacroF1(Metric):
    """Plain mean of F1 over the classes that occur in the truth.

    Classes that are only guessed are left out (their rows already lower the others). A label that the model
    does not know counts as one more class, always missed.
    """

    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """Between 0 and 1; NaN without rows."""
        found = counts(predictions, weights)
        return found.macro(found.f1)
