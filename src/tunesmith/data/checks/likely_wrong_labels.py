"""L203: labels that models which did not see the row do not believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks import _own_labels
from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Fix, Place
from tunesmith.inputs import doubts
from tunesmith.parts import Case, Check

FEWEST = 50  # labelled rows: fewer teach a model too little to doubt anybody
Doubt = tuple[int, str]  # (row, what is odd about it)
State = list[tuple[Sequence[str], list[Place], np.ndarray, np.ndarray]]


class LikelyWrongLabels(Check):
    """A suspicion, not a proof: some are wrong labels, some are hard or rare rows; nothing is changed by itself.

    Where rows may have several labels, each that is there is doubted, and each that is not.  State of each batch:
    (classes, places, class of each row [B] and what `doubts.rivals` gives [B, 3], or marks and probabilities of each
    label [B, C]).
    """

    code = "L203"
    wants = frozenset({"labels"})
    needs = frozenset({"out_of_fold", "classes"})

    def start(self) -> State:
        return []

    def update(self, state: State, rows: Sequence[Record], evidence: Mapping[str, Any]) -> State:
        if not len(rows):
            return state
        content, classes = evidence["content"], evidence["classes"]
        probs = np.asarray(evidence["out_of_fold"])
        if _own_labels.several(content):
            own = _own_labels.marks(rows, content, classes)
        else:
            own = _own_labels.truth(rows, content, classes)
            probs = np.stack(doubts.rivals(probs, own), axis=1)
        return [*state, (classes, [row.place for row in rows], own, probs)]

    def merge(self, first: State, second: State) -> State:
        return [*first, *second]

    def findings(self, state: State) -> list[Finding]:
        if not state:
            return []
        classes = state[0][0]
        places = [place for _, some, _, _ in state for place in some]
        own = np.concatenate([each for _, _, each, _ in state])
        probs = np.concatenate([each for *_, each in state])
        known = (own >= 0).all(axis=1) if own.ndim > 1 else own >= 0
        if known.sum() < FEWEST:
            return []
        found = _of_each(probs, own, classes) if own.ndim > 1 else _of_one(probs, own, classes)
        return [self._finding(found, places)] if found else []

    def _finding(self, found: list[Doubt], places: Sequence[Place]) -> Finding:
        first, odd = found[0]
        rows = list(dict.fromkeys(row for row, _ in found))
        message = (
            f"{plural(len(found), 'label')} of {len(places):,} rows likely wrong; "
            f"most suspicious: {places[first]} {odd}"
        )
        drops = tuple(places[row].id for row in rows)
        fix = Fix("tunesmith data audit FILE", "shows them one by one, most suspicious first", drops=drops)
        shown = tuple(places[row] for row in rows[:SHOWN])
        numbers = {"share": len(rows) / len(places), "rows": len(rows), "labels": len(found)}
        return Finding(self.code, "warning", message, len(rows), shown, numbers, fix)

    def planted(self) -> tuple[Case, Case]:
        pairs = [(f"lost card number {i}", "card") for i in range(30)]
        pairs += [(f"where is parcel {i}", "parcel") for i in range(30)]
        sure = np.array([[0.95, 0.05] if label == "card" else [0.05, 0.95] for _, label in pairs], np.float32)
        wrong = [*pairs[:7], ("lost card number 7", "parcel"), *pairs[8:]]
        known = {"out_of_fold": sure, "classes": ["card", "parcel"]}
        return labelled(*wrong, **known), labelled(*pairs, **known)


def _of_one(rivals: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> list[Doubt]:
    given, other, rival = rivals[:, 0], rivals[:, 1], rivals[:, 2].astype(np.int64)
    return [
        (row, f"is labelled '{classes[truth[row]]}' and reads like '{classes[rival[row]]}'")
        for row in doubts.ranked(given, other, rival, truth, len(classes))
    ]


def _of_each(probs: np.ndarray, marks: np.ndarray, classes: Sequence[str]) -> list[Doubt]:
    said = ("lacks '{}' and reads as if it had it", "has '{}' and reads as if it had not")
    return [
        (row, said[int(marks[row, label])].format(classes[label]))
        for row, label in doubts.doubtful_of_each(probs, marks)
    ]
