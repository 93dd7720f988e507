"""How much each label is doubted: arithmetic on out-of-fold probabilities."""

from __future__ import annotations

import numpy as np

# Below this a probability says no more: 0.001 and 0.0001 are both "surely not".  Measured on banking77, rows shuffled,
# with 5 % wrong labels (average precision; uniform / swapped with the most confused class): without a floor
# 0.988 / 0.746, at 0.003 0.987 / 0.762, at 0.01 0.983 / 0.779, at 0.1 0.953 / 0.820.
FLOOR = 0.003
CARRIED = 5  # rows of a class from which out-of-fold predictions know it


def rivals(probs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(p of the given label, p of the likeliest other one, its index), each [N]; rows with truth -1 count as 0."""
    rows, known = np.arange(len(truth)), np.maximum(truth, 0)
    rest = probs.astype(np.float64)
    given = rest[rows, known]
    rest[rows, known] = -1
    rival = rest.argmax(axis=1)
    return given, np.maximum(rest[rows, rival], 0), rival


def suspicion(probs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """ln(p of the likeliest other label / p of the given one) [N], from out-of-fold probabilities [N, C].

    Positive: the model disagrees. Rows with truth -1 get -inf: there is no label to doubt.
    """
    given, other, _ = rivals(probs, truth)
    return np.where(truth >= 0, ratio(given, other), -np.inf)


def ratio(given: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The same from the two probabilities, each raised by FLOOR."""
    return np.log(other + FLOOR) - np.log(given + FLOOR)


def doubtful(probs: np.ndarray, truth: np.ndarray) -> list[int]:
    """Positions of rows whose label is likely wrong, most suspicious first."""
    return ranked(*rivals(probs, truth), truth, probs.shape[1])


def ranked(
    given: np.ndarray, other: np.ndarray, rival: np.ndarray, truth: np.ndarray, num_classes: int
) -> list[int]:
    """`doubtful` from what `rivals` gives.

    A row counts where another label is likelier than its own, and as likely as that label is on average for the rows
    that carry it (the confident joint of Northcutt et al. 2021, arXiv 1911.00068).  Classes of fewer than CARRIED rows
    are left alone: models that saw four of them know too little.
    """
    labelled = truth >= 0
    carried = np.bincount(truth[labelled], minlength=num_classes)
    total = np.bincount(truth[labelled], given[labelled], num_classes)
    usual = np.divide(total, carried, out=np.full(num_classes, np.inf), where=carried > 0)
    known = labelled & (carried[np.maximum(truth, 0)] >= CARRIED)
    found = np.flatnonzero(known & (other > given) & (other >= usual[rival]))
    return found[np.argsort(-ratio(given, other)[found], kind="stable")].tolist()
