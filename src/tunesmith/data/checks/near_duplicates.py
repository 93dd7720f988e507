"""D104: rows whose texts are nearly the same (char-5-gram Jaccard of 0.7 or more, or a tenth edited)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._marks import Marks
from tunesmith.data.checks._rows import key_of, labelled, plural, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

MANY = 0.1  # share of rows from which so few different texts make the data look larger than it is


class NearDuplicates(Check):
    """Nothing leaves; the split keeps each such group on one side.  Exact copies (D101) are not counted
    again.  State: cluster, part of the content hash, and place of each row."""

    code = "D104"
    needs = frozenset({"twins"})

    def start(self) -> Marks:
        return Marks()

    def update(self, state: Marks, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Marks:
        for each, row in zip(evidence["twins"].tolist(), rows, strict=True):
            state.add(each, int(key_of(row)[:16], 16), row.place)
        return state

    def merge(self, first: Marks, second: Marks) -> Marks:
        return first.joined(second)

    def findings(self, state: Marks) -> list[Finding]:
        rows = state.firsts()
        _, group, sizes = np.unique(state.first_numbers(rows), return_inverse=True, return_counts=True)
        places = [state.place(row) for row in rows[sizes[group] > 1].tolist()]
        if not places:
            return []
        groups, largest = int((sizes > 1).sum()), int(sizes.max())
        share = len(places) / len(state)
        message = f"{plural(len(places), 'row')} nearly the same as another, in {plural(groups, 'group')}"
        effect = "the split keeps each group on one side, so that none leaks into the proof"
        numbers = {"rows": len(places), "groups": groups, "largest": largest, "share": share}
        severity = "warning" if share > MANY else "info"
        fix = Fix("tunesmith explain D104", effect)
        return [Finding(self.code, severity, message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, second = "please cancel the order that I placed on Monday", "where is the parcel that you sent"
        dirty = labelled(
            (first, "order"), (second, "parcel"), (first + "!", "order"), twins=np.array([0, 1, 0])
        )
        return dirty, labelled(
            (first, "order"), (second, "parcel"), (first, "order"), twins=np.array([0, 1, 0])
        )
