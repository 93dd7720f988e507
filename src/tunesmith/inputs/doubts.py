"""How much each label is doubted: arithmetic on out-of-fold probabilities."""

from __future__ import annotations

import numpy as np

# Below this a probability says no more: 0.001 and 0.0001 are both "surely not".  Measured on banking77 with 5 % wrong
# labels, median of three seeds (average precision; uniform / swapped with the most confused class): at 0.0005
# 0.983 / 0.731, at 0.001 0.982 / 0.736, at 0.003 0.980 / 0.744.
FLOOR = 0.001
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


def of_each(probs: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """`suspicion` of each label of rows that may have several [N, C]: that it is there, or that it is not.

    probs: of each label by itself.  marks [N, C]: 1 has it, 0 has not, -1 not said.  Not said, and labels that fewer
    than CARRIED rows have or lack, get -inf.
    """
    given = np.where(marks == 1, probs, 1 - probs).astype(np.float64)
    known = (marks >= 0) & ((marks == 1).sum(axis=0) >= CARRIED) & ((marks == 0).sum(axis=0) >= CARRIED)
    return np.where(known, ratio(given, 1 - given), -np.inf)


def doubtful_of_each(probs: np.ndarray, marks: np.ndarray) -> list[tuple[int, int]]:
    """(row, label) that are likely wrong, most suspicious first: the confident joint of each label by itself."""
    score = of_each(probs, marks)
    has, lacks = marks == 1, marks == 0
    usual = (probs * has).sum(axis=0) / np.maximum(has.sum(axis=0), 1)
    usual_not = ((1 - probs) * lacks).sum(axis=0) / np.maximum(lacks.sum(axis=0), 1)
    other = np.where(has, 1 - probs, probs)
    rows, columns = np.nonzero((score > 0) & (other >= np.where(has, usual_not, usual) - 1e-6))
    order = np.argsort(-score[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))
