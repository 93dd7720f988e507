"""L207: classes with too few rows to score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._classes import classes, counted
from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

NEEDED = 10  # rows of a class: at a test share of 15 % fewer leave one row or none for the proof


class SmallClasses(Check):
    """Such classes stay, but a score on one or two rows says nothing, so theirs is an interval and no
    claim."""

    code = "L207"
    wants = frozenset({"labels"})

    def start(self) -> Counter[str]:
        return Counter()

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state.update(counted(rows, evidence))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        small = sorted((rows, label) for label, rows in classes(state).items() if rows < NEEDED)
        if not small:
            return []
        some = ", ".join(f"{label} ({rows})" for rows, label in small[:5])
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        message = f"{plural(len(small), 'class', 'classes')} with under {NEEDED} rows: {some}{more}"
        numbers = {"classes": len(small), "needed": NEEDED, "smallest": small[0][0]}
        effect = f"bring each class to {NEEDED} rows or more, or join it with another"
        fix = Fix("add rows of these classes to the file", effect)
        return [Finding(self.code, "warning", message, sum(rows for rows, _ in small), (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        enough = [(f"lost card number {i}", "card") for i in range(NEEDED)]
        parcels = [(f"where is parcel {i}", "parcel") for i in range(NEEDED)]
        dirty, clean = labelled(*enough, *parcels[:3]), labelled(*enough, *parcels)
        return dirty, clean
