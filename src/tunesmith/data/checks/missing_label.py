"""L201: rows without a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, safe_fix
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class MissingLabel(RowCheck):
    """Such rows leave: there is nothing to learn from them and nothing to score them by."""

    code = "L201"
    wants = frozenset({"labels"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        target = evidence["content"].target(row)
        # a row of several labels may have none of them: that is an answer, and its target is ''
        return Fault() if target is None or (target and not normalise(target)) else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = safe_fix(self.code, f"drops {rows}", tally.ids)
        return Finding(
            self.code, "warning", f"{rows} without a label", tally.count, tuple(tally.places), fix=fix
        )

    def planted(self) -> tuple[Case, Case]:
        first = ("my card is lost", "card")
        dirty = labelled(first, ("cancel my order", None), ("where is it", " "))
        return dirty, labelled(first, ("cancel my order", "order"), ("where is it", "parcel"))
