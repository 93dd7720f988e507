"""F025: HTML entities and tags are left in texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import leftovers
from tunesmith.parts import Case, Fault, RowCheck, Tally


class HtmlLeftovers(RowCheck):
    """Texts that speak of HTML or hold code are left alone."""

    code = "F025"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, leftovers.marked_up, leftovers.plain)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = (
            review_fix(self.code, f"writes {rows} as a reader of the page would see them", edits=tally.edits)
            if tally.edits
            else None
        )
        return Finding(
            self.code,
            "warning",
            f"{rows} with HTML entities or tags",
            tally.count,
            tuple(tally.places),
            fix=fix,
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("fish &amp; chips", "food"), ("first line<br>second", "food"), other)
        return dirty, labelled(("AT&T; a < b > c", "food"), ("how do I close <br> in HTML", "food"), other)
