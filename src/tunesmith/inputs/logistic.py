"""Logistic layers of all folds, fitted together: one factor of all rows' second moments and a few steps.

The folds share most of their rows, so one Cholesky factor of the Gram matrix, times a bound of the softmax's curvature
(Böhning 1992), is a good start for the inverse Hessian of each; limited-memory BFGS (Nocedal 1980) learns the rest from
the steps.  Four steps are not the optimum, and need not be: what is left out fits single rows, wrong labels among them.
The vectors are read where they lie: a centred copy of them would take longer than the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

STEPS = 4
LENGTH = 1.1  # root mean square length of a centred row, as minilm's have: a penalty means the same for other vectors
ENOUGH = 2  # rows for each column, from which the second moments are known well enough to lead the steps
FEWEST = 1000  # rows for them, where there are as many
BLOCK = 4_000_000
HALVINGS = 8  # of a step that would raise a fold's loss

# float32 [C, K, D + 1]: of each class and fold the weights of the centred columns and of a constant
Layers = np.ndarray
Solve = Callable[[Layers], Layers]
Look = Callable[[Layers], tuple[np.ndarray, np.ndarray]]  # the loss of each fold [K], and what else is seen
Past = list[tuple[Layers, Layers, np.ndarray]]  # (step, change of the slope, 1 / their inner products [K])


def held_out(
    vectors: np.ndarray, truth: np.ndarray, fold: np.ndarray, num_classes: int, num_folds: int, penalty: float
) -> np.ndarray:
    """What the multinomial logistic layers of the other folds say of each row: logits, float32 [N, C].

    vectors: float32 [N, D].  truth: class indices [N], -1: not learnt from.  fold: the fold of each row [N].
    penalty: of half the squared weights, against the summed log loss, where rows have the usual LENGTH.
    """
    mean = vectors.mean(axis=0)
    moments = _moments(vectors, mean)
    unit = max(float(np.trace(moments)) ** 0.5 / LENGTH, 1e-6)
    problem = _Problem(vectors, truth, fold, mean, unit, penalty * unit**2)
    solve = _solver(moments, unit, problem.penalty, len(vectors) * (1 - 1 / num_folds), num_classes)
    return _descended(np.zeros((num_classes, num_folds, len(mean) + 1), np.float32), problem, solve)


def _descended(layers: Layers, problem: _Problem, solve: Solve) -> np.ndarray:
    """The held-out rows' logits after STEPS steps."""
    value, slope = problem.sloped(layers)
    past: Past = []
    for _ in range(STEPS - 1):
        step, after, above = _guarded(layers, _direction(slope, past, solve), value, problem.sloped)
        change = above - slope
        past.append((-step, change, 1 / np.maximum(_dots(-step, change), 1e-12)))
        layers, value, slope = layers - step, after, above
    return _guarded(layers, _direction(slope, past, solve), value, problem.judged)[2]


def _guarded(
    layers: Layers, step: Layers, value: np.ndarray, look: Look
) -> tuple[Layers, np.ndarray, np.ndarray]:
    """(the step, halved for each fold whose loss it would raise, and what is seen after it)."""
    after, seen = look(layers - step)
    for _ in range(HALVINGS):
        if not (higher := ~(after <= value)).any():
            break
        step[:, higher] /= 2
        after, seen = look(layers - step)
    return step, after, seen


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
    some = vectors[:: max(1, len(vectors) // max(ENOUGH * width, FEWEST))]
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

    def sloped(self, layers: Layers) -> tuple[np.ndarray, Layers]:
        """Each fold's penalised log loss [K] and its gradient."""
        value, slope = self._weight(layers), self.penalty * layers
        for part, logits in self._passed(layers):
            errors, lost = _errors(logits, self.truth[part], self.fold[part])
            value += lost
            self._add(slope, errors, self.vectors[part])
        return value, slope

    def judged(self, layers: Layers) -> tuple[np.ndarray, np.ndarray]:
        """The same loss, and each row's logits by the layer that did not see it [N, C]."""
        value, found = self._weight(layers), np.empty((len(self.truth), len(layers)), np.float32)
        for part, logits in self._passed(layers):
            found[part] = logits[:, self.fold[part], np.arange(logits.shape[2])].T
            value += _errors(logits, self.truth[part], self.fold[part])[1]
        return value, found

    def _weight(self, layers: Layers) -> np.ndarray:
        return self.penalty / 2 * _dots(layers, layers).astype(np.float64)

    def _passed(self, layers: Layers) -> Iterator[tuple[slice, np.ndarray]]:
        """(rows, their logits [C, K, B]), part by part."""
        told = layers[: _told(len(layers))]
        weights = np.ascontiguousarray(told[:, :, :-1])
        bias = told[:, :, -1] * self.unit - weights @ self.mean
        for part in _blocks(len(self.truth), max(weights.shape[2], layers[:, :, 0].size)):
            logits = _logits(weights, bias, self.vectors[part])
            yield part, logits if len(told) == len(layers) else np.concatenate([logits, -logits])

    def _add(self, slope: Layers, errors: np.ndarray, rows: np.ndarray) -> None:
        told = errors[: _told(len(errors))]
        total = told.sum(axis=2)
        moved = (told.reshape(total.size, -1) @ rows).reshape(*total.shape, -1)
        whole = np.concatenate(
            [moved - total[:, :, None] * self.mean, (total * self.unit)[:, :, None]], axis=2
        )
        slope[: len(told)] += whole
        if len(told) < len(slope):
            slope[1] -= whole[0]


def _told(num_classes: int) -> int:
    """Classes whose layers are computed: of two, that start alike, the second is the first with its sign turned."""
    return 1 if num_classes == 2 else num_classes


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
