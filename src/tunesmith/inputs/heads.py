"""A linear layer on fixed columns, fitted by multinomial logistic regression without torch."""

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


def fit(
    rows: Any,
    labels: Sequence[int],
    num_classes: int,
    *,
    strength: float,
    balanced: bool,
    solver: str,
    seed: int,
    standardised: bool = False,
) -> Head:
    """Multinomial logistic regression.

    standardised: dense columns are brought to mean 0 and variance 1 for the fit; the head takes rows as they are.

    strength: inverse of the L2 penalty.  balanced: classes weigh the same.  solver: 'saga' for sparse rows, stopped
    early on purpose (its scores no longer change, and it is far faster than its tolerance); 'lbfgs' for dense ones.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(np.asarray(labels))
    if len(seen) < 2:
        return _constant(seen, num_classes, rows.shape[1])
    mean, spread = (rows.mean(axis=0), rows.std(axis=0) + 1e-8) if standardised else (0.0, 1.0)
    rows = (rows - mean) / spread if standardised else rows
    passes = int(np.clip(300_000 // rows.shape[0], 20, 300)) if solver == "saga" else 200
    model = LogisticRegression(
        solver=solver,
        C=strength,
        max_iter=passes,
        tol=1e-3,
        class_weight="balanced" if balanced else None,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, labels)
    head = _spread(model, seen, num_classes)
    if not standardised:
        return head
    weights = head.weights / spread
    return Head(weights.astype(np.float32), (head.bias - weights @ mean).astype(np.float32))


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
