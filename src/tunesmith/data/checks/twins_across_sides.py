"""D109: rows whose twins stand on another of the sides that the data gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks import _across
from tunesmith.data.checks._rows import plural, review_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check


class TwinsAcrossSides(Check):
    """Equal and nearly equal texts (as D104 counts them).  What is held out stays, its twins in training
    would leave."""

    code = "D109"
    needs = frozenset({"twins", "sides"})

    def start(self) -> _across.State:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        marks = zip(evidence["twins"].tolist(), evidence["sides"].tolist(), strict=True)
        for row, (cluster, side) in zip(rows, marks, strict=True):
            _across.add(state, cluster, side, row.place)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return _across.merged(first, second)

    def findings(self, state: Any) -> list[Finding]:
        found = _across.shared(state)
        leaving = _across.leaking(found)
        if not leaving:
            return []
        held_out = sum(len(next(iter(sides.values()))) for sides in found)
        rows = plural(len(leaving), "row")
        message = f"{rows} nearly the same as a row of another side ({plural(held_out, 'row')} held out)"
        numbers = {"rows": len(leaving), "held_out": held_out, "groups": len(found)}
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
