"""Logistic layers of all folds, fitted together: one factor of all rows' second moments and a few steps.

The folds share most of their rows, so one Cholesky factor of the Gram matrix, times a bound of the softmax's curvature
(Böhning 1992), is a good start for the inverse Hessian of each; limited-memory BFGS (Nocedal 1980) learns the rest from
the steps.  Five steps are not the optimum, and need not be: what is left out fits single rows, wrong labels among them.
The vectors are read where they lie: a centred copy of them would take longer than the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

STEPS = 5
LENGTH = 1.1  # root mean square length of a centred row, as minilm's have: a penalty means the same for other vectors
ENOUGH = 2  # rows for each column, from which the second moments are known well enough to lead the steps
BLOCK = 1000000
HALVINGS = 8  # of a step that would raise a fold's loss

Layers = np.ndarray  # float32 [C, K, D + 1]: of each class and fold the weights of centred columns and of a constant
Solve = Callable[[Layers], Layers]
Past = list[tuple[Layers, Layers, np.ndarray]]  # (step, change of the slope, 1 / their inner products [K])


def fit(
    vectors: np.ndarray, truth: np.ndarray, fold: np.ndarray, num_classes: int, num_folds: int, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic layers, one for each fold, from the rows that are not in it: weights [C, K, D], bias [C, K].

    vectors: float32 [N, D].  truth: class indices [N], -1: not learnt from.  fold: the fold of each row [N].
    penalty: of half the squared weights, against the summed log loss, where rows have the usual LENGTH.
    """
    mean = vectors.mean(axis=0)
    moments = _moments(vectors, mean)
    unit = max(float(np.trace(moments)) ** 0.5 / LENGTH, 1e-6)
    problem = _Problem(vectors, truth, fold, mean, unit, penalty * unit**2, num_folds)
    solve = _solver(moments, unit, problem.penalty, len(vectors) * (1 - 1 / num_folds), num_classes)
    start = np.zeros((num_classes, num_folds, len(mean) + 1), np.float32)
    return problem.plain(_descended(start, problem, solve))


def _descended(layers: Layers, problem: _Problem, solve: Solve) -> Layers:
    """The layers after STEPS steps; each fold's step is halved while its loss would rise."""
    value, slope = problem.loss(layers)
    past: Past = []
    for left in reversed(range(STEPS)):
        step = _direction(slope, past, solve)
        for _ in range(HALVINGS):
            after, above = problem.loss(layers - step, sloped=left > 0)
            if (after <= value).all():
                break
            step[:, after > value] /= 2
        change = above - slope
        past.append((-step, change, 1 / np.maximum(_dots(-step, change), 1e-12)))
        layers, value, slope = layers - step, after, above
    return layers


def _direction(slope: Layers, past: Past, solve: Solve) -> Layers:
    """The inverse Hessian times the slope: what the steps so far taught (two-loop recursion), around `solve`."""
    found, shares = slope.copy(), []
    for step, change, inverse in reversed(past):
        share = inverse * _dots(step, found)
        found -= share[:, None] * change
        shares.append(share)
    found = solve(found)
    for (step, change, inverse), share in zip(past, reversed(shares), strict=True):
        found += (share - inverse * _dots(change, found))[:, None] * step
    return found


def _dots(first: Layers, second: Layers) -> np.ndarray:
    """The inner product of each fold, float32 [K]."""
    return np.einsum("ckd,ckd->k", first, second)


def _moments(vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The covariance of the columns [D, D], from rows evenly chosen among many."""
    width = vectors.shape[1]
    some = vectors[:: max(1, len(vectors) // (ENOUGH * width))]
    found = np.zeros((width, width), np.float32)
    for part in _blocks(len(some), width):
        centred = some[part] - mean
        found += centred.T @ centred
    return found / len(some)


def _blocks(count: int, width: int) -> Iterator[slice]:
    size = max(1, BLOCK // width)
    return (slice(start, start + size) for start in range(0, count, size))


def _solver(moments: np.ndarray, unit: float, penalty: float, count: float, num_classes: int) -> Solve:
    """Multiplies by the inverse of a Hessian that all folds and classes share.  Overwrites the moments.

    Its curvature is Böhning's bound of 1/2, or six times what it is where all classes are as likely.
    """
    from scipy.linalg import cho_factor, cho_solve

    curvature = min(0.5, 6 / num_classes) * count
    moments *= curvature
    moments[np.diag_indices_from(moments)] += penalty
    factor = cho_factor(moments, overwrite_a=True, check_finite=False)
    constant = curvature * unit**2 + penalty

    def solve(slope: Layers) -> Layers:
        found = np.empty_like(slope)
        flat = slope.reshape(-1, slope.shape[2])
        found.reshape(flat.shape)[:, :-1] = cho_solve(factor, flat[:, :-1].T, check_finite=False).T
        found[:, :, -1] = slope[:, :, -1] / constant
        return found

    return solve


@dataclass(frozen=True)
class _Problem:
    """What is minimised.  unit: the constant column's value, so that it weighs as much as a usual row."""

    vectors: np.ndarray
    truth: np.ndarray
    fold: np.ndarray
    mean: np.ndarray
    unit: float
    penalty: float
    num_folds: int

    def loss(self, layers: Layers, sloped: bool = True) -> tuple[np.ndarray, Layers]:
        """Each fold's penalised log loss [K] and, where asked for, its gradient."""
        value = self.penalty / 2 * _dots(layers, layers).astype(np.float64)
        slope = self.penalty * layers
        weights, bias = self.plain(layers)
        for part in _blocks(len(self.truth), max(weights.shape[2], bias.size)):
            logits = _logits(weights, bias, self.vectors[part])
            errors, lost = _errors(logits, self.truth[part], self.fold[part])
            value += lost
            if sloped:
                self._add(slope, errors, self.vectors[part])
        return value, slope

    def _add(self, slope: Layers, errors: np.ndarray, rows: np.ndarray) -> None:
        total = errors.sum(axis=2)
        moved = (errors.reshape(total.size, -1) @ rows).reshape(*total.shape, -1)
        slope[:, :, :-1] += moved - total[:, :, None] * self.mean
        slope[:, :, -1] += total * self.unit

    def plain(self, layers: Layers) -> tuple[np.ndarray, np.ndarray]:
        """(weights, bias) for rows as they are."""
        weights = np.ascontiguousarray(layers[:, :, :-1])
        return weights, layers[:, :, -1] * self.unit - weights @ self.mean


def _logits(weights: np.ndarray, bias: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[C, K, B] of rows [B, D]: classes first, so that sums over them run along whole rows of memory."""
    if not weights.any():
        return np.repeat(bias[:, :, None], len(rows), axis=2)
    logits = (weights.reshape(bias.size, -1) @ rows.T).reshape(*bias.shape, len(rows))
    logits += bias[:, :, None]
    return logits


def _errors(logits: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(probability minus 1 for the true class [C, K, B], summed log loss of each fold [K]); a row's own fold counts
    as 0, and a row without a class.  Overwrites the logits."""
    here = np.arange(len(truth))
    logits -= logits.max(axis=0)
    lost = -logits[truth, :, here]
    np.exp(logits, out=logits)
    total = logits.sum(axis=0)
    lost += np.log(total).T
    logits /= total
    logits[truth, :, here] -= 1
    lost[here, fold] = 0
    logits[:, fold, here] = 0
    if (unknown := truth < 0).any():
        lost[unknown] = 0
        logits[:, :, unknown] = 0
    return logits, lost.sum(axis=0, dtype=np.float64)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the first axis."""
    raised = np.exp(logits - logits.max(axis=0))
    return raised / raised.sum(axis=0)
