"""D101: rows that stand in the data more than once, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._marks import Marks
from tunesmith.data.checks._rows import key_of, labelled, plural, safe_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check


class ExactDuplicates(Check):
    """All but the first of equal rows leave: a copy teaches nothing and would be counted twice.

    State: half of each row's content hash, and its place.
    """

    code = "D101"

    def start(self) -> Marks:
        return Marks()

    def update(self, state: Marks, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Marks:
        for row in rows:
            key = key_of(row)
            state.add(int(key[:16], 16), int(key[16:32], 16), row.place)
        return state

    def merge(self, first: Marks, second: Marks) -> Marks:
        return first.joined(second)

    def findings(self, state: Marks) -> list[Finding]:
        again = np.setdiff1d(np.arange(len(state)), state.firsts())
        copies = [state.place(index) for index in again.tolist()]
        if not copies:
            return []
        message = f"{plural(len(copies), 'row')} equal to an earlier row in every field"
        fix = safe_fix(
            self.code,
            f"drops {plural(len(copies), 'row')}; the first of each stays",
            [place.id for place in copies],
        )
        return [Finding(self.code, "warning", message, len(copies), shown(copies), fix=fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [("my card is lost", "card"), ("cancel my order", "order"), ("my card was lost", "card")]
        return labelled(*rows, rows[0], rows[0]), labelled(*rows)
