"""L203: labels that models which did not see the row do not believe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import label_form, labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Fix, Place
from tunesmith.inputs import doubts
from tunesmith.parts import Case, Check

FEWEST = 50  # labelled rows: fewer teach a model too little to doubt anybody


@dataclass
class _Seen:
    """The classes, and of each row its place, its class (-1: none), and the two probabilities that count."""

    classes: Sequence[str] = ()
    places: list[Place] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    rival: list[int] = field(default_factory=list)


class LikelyWrongLabels(Check):
    """A suspicion, not a proof: some are wrong labels, some are hard or rare rows; nothing is changed by itself."""

    code = "L203"
    wants = frozenset({"labels"})
    needs = frozenset({"out_of_fold", "classes"})

    def start(self) -> _Seen:
        return _Seen()

    def update(self, state: _Seen, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Seen:
        index = {label_form(label): number for number, label in enumerate(evidence["classes"])}
        own = [evidence["content"].labels(row) for row in rows]
        known = [index.get(label_form(each[0]), -1) if len(each) == 1 else -1 for each in own]
        given, other, rival = doubts.rivals(evidence["out_of_fold"], np.array(known, np.int64))
        state.classes = evidence["classes"]
        state.places += [row.place for row in rows]
        state.truth += known
        state.given += given.tolist()
        state.other += other.tolist()
        state.rival += rival.tolist()
        return state

    def merge(self, first: _Seen, second: _Seen) -> _Seen:
        lists = (
            getattr(first, name) + getattr(second, name)
            for name in ("places", "truth", "given", "other", "rival")
        )
        return _Seen(first.classes or second.classes, *lists)

    def findings(self, state: _Seen) -> list[Finding]:
        truth = np.array(state.truth, np.int64)
        rival = np.array(state.rival, np.int64)
        if (truth >= 0).sum() < FEWEST:
            return []
        given, other = np.array(state.given), np.array(state.other)
        found = doubts.ranked(given, other, rival, truth, len(state.classes))
        if not found:
            return []
        first = found[0]
        message = (
            f"{plural(len(found), 'label')} of {len(truth):,} likely wrong; most suspicious: {state.places[first]} "
            f"is labelled '{state.classes[truth[first]]}' and reads like '{state.classes[rival[first]]}'"
        )
        drops = tuple(state.places[row].id for row in found)
        fix = Fix("tunesmith data audit FILE", "shows them one by one, most suspicious first", drops=drops)
        places = tuple(state.places[row] for row in found[:SHOWN])
        numbers = {"share": len(found) / len(truth), "rows": len(found)}
        return [Finding(self.code, "warning", message, len(found), places, numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        pairs = [(f"lost card number {i}", "card") for i in range(30)]
        pairs += [(f"where is parcel {i}", "parcel") for i in range(30)]
        sure = np.array([[0.95, 0.05] if label == "card" else [0.05, 0.95] for _, label in pairs], np.float32)
        wrong = [*pairs[:7], ("lost card number 7", "parcel"), *pairs[8:]]
        known = {"out_of_fold": sure, "classes": ["card", "parcel"]}
        return labelled(*wrong, **known), labelled(*pairs, **known)
