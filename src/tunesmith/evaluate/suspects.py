"""Which labels are likely wrong: rows whose label a model that never saw them does not believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix

_TINY = 1e-12
MOST = 20


@dataclass(frozen=True, slots=True)
class Suspect:
    """One row whose label is likely wrong.  times: how many times likelier the model finds `suggested`."""

    row: str
    label: str
    suggested: str
    times: float
    place: str

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {name: getattr(self, name) for name in ("row", "label", "suggested", "times", "place")}


def suspicion(probs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """ln(p of the likeliest other label / p of the given one) [N], from out-of-fold probabilities [N, C].

    Positive: the model disagrees. Rows with truth -1 get -inf: there is no label to doubt. Measured on
    banking77 with 5 % uniform wrong labels (linear, 5 folds, 2 seeds): the first 5 % of rows hold 86 % of
    them, the first 10 % 99 %. The plain margin p_other - p_given reached 73 %, and subtracting each class's
    average confidence 61 %: both forget how sure the model is that the label is not the given one.
    """
    given, other, _ = _rivals(probs, truth)
    return np.where(truth >= 0, np.log(other + _TINY) - np.log(given + _TINY), -np.inf)


def _rivals(probs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, known = np.arange(len(truth)), np.maximum(truth, 0)
    rest = probs.astype(np.float64)
    given = rest[rows, known]
    rest[rows, known] = -1
    rival = rest.argmax(axis=1)
    return given, np.maximum(rest[rows, rival], 0), rival


def doubtful(probs: np.ndarray, truth: np.ndarray) -> list[int]:
    """Positions of rows whose label is likely wrong, most suspicious first.

    A row counts where another label is likelier than its own, and as likely as that label is on average for
    the rows that carry it (the confident joint of Northcutt et al. 2021, arXiv 1911.00068).
    """
    given, other, rival = _rivals(probs, truth)
    num_labels = probs.shape[1]
    carried = np.bincount(truth[truth >= 0], minlength=num_labels)
    total = np.bincount(truth[truth >= 0], given[truth >= 0], num_labels)
    usual = np.divide(total, carried, out=np.full(num_labels, np.inf), where=carried > 0)
    found = np.flatnonzero((truth >= 0) & (other > given) & (other >= usual[rival]))
    return found[np.argsort(-suspicion(probs, truth)[found], kind="stable")].tolist()


def suspects(
    probs: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    records: Sequence[Record],
    most: int | None = MOST,
) -> list[Suspect]:
    """The most suspicious rows that count as doubtful; probs, truth and records are parallel."""
    given, other, rival = _rivals(probs, truth)
    return [
        Suspect(
            row=records[i].key,
            label=labels[int(truth[i])],
            suggested=labels[int(rival[i])],
            times=float((other[i] + _TINY) / (given[i] + _TINY)),
            place=str(records[i].place),
        )
        for i in doubtful(probs, truth)[:most]
    ]


def likely_wrong(
    probs: np.ndarray, truth: np.ndarray, labels: Sequence[str], records: Sequence[Record]
) -> Finding | None:
    """Finding L203 with the places of the most suspicious rows, or None where no label is in doubt.

    Nothing is changed by itself: whether the label or the model is wrong, only a person can say.
    """
    found = doubtful(probs, truth)
    if not len(found):
        return None
    first = suspects(probs, truth, labels, records, 1)[0]
    return Finding(
        code="L203",
        severity="warning",
        message=(
            f"{len(found):,} of {len(truth):,} labels are likely wrong; most suspicious: {first.place} is "
            f"labelled '{first.label}' and reads like '{first.suggested}'"
        ),
        count=len(found),
        places=tuple(records[i].place for i in found[:MOST]),
        numbers={"share": len(found) / len(truth)},
        fix=Fix(
            command="look at these rows (report.html lists them) and correct the file",
            effect="a few minutes of looking usually bring more than a larger model",
            drops=tuple(records[i].key for i in found),
        ),
    )
