"""Counts per class that most metrics share: weighted, in three passes over the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.parts import Predictions


@dataclass(frozen=True, slots=True)
class Counts:
    """Weighted counts per class [1 + C]; index 0 stands for labels that the model does not know.

    right: rows of the class that were found.  guessed: rows given to it.  actual: rows that belong to it.
    """

    right: np.ndarray
    guessed: np.ndarray
    actual: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Right of the rows given to each class; 0 where none was."""
        return share(self.right, self.guessed)

    @property
    def recall(self) -> np.ndarray:
        """Right of the rows that belong to each class; 0 where none does."""
        return share(self.right, self.actual)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall; 0 where both are."""
        return share(2 * self.right, self.guessed + self.actual)

    @property
    def accuracy(self) -> float:
        """Right rows of all rows; NaN without rows."""
        return ratio(self.right.sum(), self.actual.sum())

    def macro(self, values: np.ndarray) -> float:
        """Plain mean over the classes that occur in the truth; NaN without rows."""
        present = self.actual > 0
        return float(values[present].mean()) if present.any() else float("nan")

    def weighted(self, values: np.ndarray) -> float:
        """Mean over classes weighted by how many rows belong to each; NaN without rows."""
        return ratio((values * self.actual).sum(), self.actual.sum())


def counts(predictions: Predictions, weights: np.ndarray) -> Counts:
    """Counts of weighted rows [B]."""
    size = len(predictions.labels) + 1
    truth, guess = predictions.truth + 1, predictions.guess + 1
    hit = weights * (truth == guess)
    return Counts(
        np.bincount(truth, hit, size), np.bincount(guess, weights, size), np.bincount(truth, weights, size)
    )


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Element-wise part of the whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def ratio(part: float, whole: float) -> float:
    """Part of the whole; NaN where the whole is 0."""
    return float(part / whole) if whole > 0 else float("nan")
