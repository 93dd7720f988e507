"""A linear layer on fixed columns, fitted without torch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.store import files

# what a class without a training row gets: less likely than anything seen, yet finite
UNSEEN_BIAS = -20.0


@dataclass(frozen=True)
class Head:
    """weights [C, F] and bias [C], float32."""

    weights: np.ndarray
    bias: np.ndarray

    def logits(self, rows: Any) -> np.ndarray:
        """float32 logits [B, C] of dense or CSR rows [B, F]."""
        return np.asarray(rows @ self.weights.T, np.float32) + self.bias

    def save(self, folder: Path) -> None:
        """Write `head.safetensors`."""
        from safetensors.numpy import save

        files.write(folder / "head.safetensors", save({"weights": self.weights, "bias": self.bias}))

    @staticmethod
    def load(folder: Path) -> Head:
        """The inverse of `save`."""
        from safetensors.numpy import load_file

        tensors = load_file(folder / "head.safetensors")
        return Head(tensors["weights"], tensors["bias"])


def fit_margins(
    rows: Any, labels: Sequence[int], num_classes: int, *, strength: float, balanced: bool, seed: int
) -> Head:
    """Support vectors, one class against the rest, for sparse rows.

    Measured against multinomial logistic regression: equal on banking77 (0.916 macro-F1), far better on rare classes
    (unfair-tos 0.766 against 0.63); its margins become probabilities by the temperature that calibration finds.
    strength: inverse of the L2 penalty.  balanced: classes weigh the same.
    """
    from sklearn.svm import LinearSVC

    seen = np.unique(np.asarray(labels))
    if len(seen) < 2:
        return _constant(seen, num_classes, rows.shape[1])
    model = LinearSVC(C=strength, class_weight="balanced" if balanced else None, random_state=seed)
    return _spread(_fitted(model, rows, labels), seen, num_classes)


def fit_logistic(
    rows: np.ndarray, labels: Sequence[int], num_classes: int, *, strength: float, balanced: bool
) -> Head:
    """Multinomial logistic regression on dense rows [B, F].

    The columns are brought to mean 0 and variance 1 for the fit; the head takes rows as they are.
    """
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(np.asarray(labels))
    if len(seen) < 2:
        return _constant(seen, num_classes, rows.shape[1])
    # a column that hardly varies says nothing, and divided by its spread would say noise
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-4)
    model = LogisticRegression(
        C=strength, max_iter=300, tol=1e-3, class_weight="balanced" if balanced else None
    )
    head = _spread(_fitted(model, (rows - mean) / spread, labels), seen, num_classes)
    weights = head.weights / spread
    return Head(weights.astype(np.float32), (head.bias - weights @ mean).astype(np.float32))


def _fitted(model: Any, rows: Any, labels: Sequence[int]) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, labels)


def _spread(model: Any, seen: np.ndarray, num_classes: int) -> Head:
    weights = np.zeros((num_classes, model.coef_.shape[1]), np.float32)
    bias = np.full(num_classes, UNSEEN_BIAS, np.float32)
    if len(seen) == 2:  # scikit-learn gives one row for two classes: the second one's
        weights[seen[1]], bias[seen] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        weights[seen], bias[seen] = model.coef_, model.intercept_
    return Head(weights, bias)


def _constant(seen: np.ndarray, num_classes: int, columns: int) -> Head:
    bias = np.full(num_classes, UNSEEN_BIAS, np.float32)
    bias[seen] = 0.0
    return Head(np.zeros((num_classes, columns), np.float32), bias)
