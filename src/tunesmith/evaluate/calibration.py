"""From scores to honest probabilities, and from those to a threshold under which the model abstains."""

from __future__ import annotations

import math

import numpy as np

COLDEST, HOTTEST = 1e-2, 1e2


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, C] from logits [N, C], in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The number that logits [N, C] are divided by so that log loss on rows not trained on is least.

    truth: class indices [N]; rows with -1 are left out. Guo et al. 2017 (arXiv 1706.04599). Between 0.01
    and 100; 1 where no row is left, and where only one class is possible.
    """
    from scipy.optimize import minimize_scalar

    known = truth >= 0
    logits, truth = logits[known].astype(np.float64), truth[known]
    if not len(truth) or logits.shape[1] < 2:
        return 1.0
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, truth]).mean())

    found = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
    return float(math.exp(found.x))


def threshold(
    confidence: np.ndarray, right: np.ndarray, target_error: float | None = None
) -> tuple[float, float, float]:
    """(threshold, coverage, error): answer where confidence >= threshold, on rows not trained on.

    The lowest threshold, and so the most answers, whose error rate among the answers is at most
    `target_error`; by default half of the error rate without abstaining. Rows of equal confidence are
    answered together or not at all. Where no threshold reaches the target: the one with the smallest error
    rate, the most answers among equals. Without rows, or without errors: 0, everything is answered.
    """
    right = right.astype(bool)
    if not len(right) or right.all():
        return 0.0, 1.0, 0.0
    if target_error is None:
        target_error = float((~right).mean()) / 2
    steps, coverage, errors = risk_coverage(confidence, right)
    fitting = np.flatnonzero(errors <= target_error)
    best = int(fitting[-1]) if len(fitting) else int(np.flatnonzero(errors == errors.min())[-1])
    chosen = 0.0 if best == len(steps) - 1 else float(steps[best])
    return chosen, float(coverage[best]), float(errors[best])


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(thresholds, coverage, error among the answered) at every distinct confidence, highest first."""
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], ~right[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.array([], dtype=int)
    answered = last + 1
    return ranked[last], answered / max(1, len(ranked)), np.cumsum(wrong)[last] / answered


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, rows) of each bin of equal width that holds rows."""
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        (float(confidence[index == b].mean()), float(right[index == b].mean()), int((index == b).sum()))
        for b in np.unique(index)
    ]
