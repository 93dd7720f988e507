"""D109: rows whose twins stand on another of the sides that the data gives."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks import _across
from tunesmith.data.checks._alike import LONGEST, Among
from tunesmith.data.checks._rows import normalise, plural, review_fix, shown, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check

Row = tuple[Place, bytes]


class TwinsAcrossSides(Check):
    """Equal and nearly equal texts (as D104 counts them).  What is held out stays, its twins in training
    would leave.

    Rows of one cluster may be alike only by way of others, so each pair is decided by its texts.  State: place and
    text, packed, of each row by its cluster and side.
    """

    code = "D109"
    needs = frozenset({"twins", "sides"})

    def start(self) -> _across.State[Row]:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        marks = zip(evidence["twins"].tolist(), evidence["sides"].tolist(), strict=True)
        for row, (cluster, side) in zip(rows, marks, strict=True):
            if side:
                _across.add(state, cluster, side, (row.place, _packed(normalise(text_of(row, evidence)))))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return _across.merged(first, second)

    def findings(self, state: Any) -> list[Finding]:
        groups = [found for sides in _across.shared(state) if (found := _direct(sides))[0]]
        leaving = [place for some, _ in groups for place in some]
        if not leaving:
            return []
        held_out = sum(len(some) for _, some in groups)
        rows = plural(len(leaving), "row")
        message = f"{rows} nearly the same as a row of another side ({plural(held_out, 'row')} held out)"
        numbers = {"rows": len(leaving), "held_out": held_out, "groups": len(groups)}
        fix = review_fix(
            self.code,
            f"leaves out {rows} of training and validation, so that none is seen before the proof",
            [place.id for place in leaving],
        )
        return [Finding(self.code, "warning", message, len(leaving), shown(leaving), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, second = "please cancel the order that I placed on Monday", "where is the parcel that you sent"
        texts, twins = (first, second, first + "!"), np.array([0, 1, 0])
        rows = [{"text": text, "label": "order"} for text in texts]
        dirty = _across.sided(*zip(rows, ("train", "train", "test"), strict=True), twins=twins)
        return dirty, _across.sided(*zip(rows, ("train", "test", "train"), strict=True), twins=twins)


def _direct(sides: Mapping[str, Sequence[Row]]) -> tuple[list[Place], list[Place]]:
    """Of one cluster the rows with a twin on a side further right, and those that stay with a twin that leaves."""
    forms = {side: [(place, _unpacked(text)) for place, text in rows] for side, rows in sides.items()}
    leaving, held_out = [], []
    for side, rows in forms.items():
        right, left = (Among(_texts(forms, side, after)) for after in (True, False))
        for place, text in rows:
            if right.has_twin(text):
                leaving.append(place)
            elif left.has_twin(text):
                held_out.append(place)
    return leaving, held_out


def _texts(forms: Mapping[str, Sequence[tuple[Place, str]]], side: str, after: bool) -> list[str]:
    """The texts of the sides after this one, or of those before it."""
    at = _across.SIDES.index(side)
    others = _across.SIDES[at + 1 :] if after else _across.SIDES[:at]
    return [text for other in others for _, text in forms.get(other, ())]


def _packed(text: str) -> bytes:
    return zlib.compress(text[:LONGEST].encode("utf-8", "surrogatepass"), 1)


def _unpacked(text: bytes) -> str:
    return zlib.decompress(text).decode("utf-8", "surrogatepass")
