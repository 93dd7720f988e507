"""F028: escapes stand in texts as they are written (backslash-n for a new line)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import leftovers
from tunesmith.parts import Case, Fault, RowCheck, Tally


class EscapedCharacters(RowCheck):
    """A file that was escaped twice.  Code and formulas are left alone."""

    code = "F028"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, leftovers.escaped, leftovers.resolved)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = (
            review_fix(self.code, f"resolves the escapes in {rows}", edits=tally.edits)
            if tally.edits
            else None
        )
        return Finding(
            self.code,
            "warning",
            f"{rows} with escapes such as '\\n' or '\\u00e9' as text",
            tally.count,
            tuple(tally.places),
            fix=fix,
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("Hello\\n\\nyour card is lost", "card"), ("un caf\\u00e9", "order"), other)
        return dirty, labelled(
            ("Hello\nyour card", "card"), ("C:\\new\\table", "order"), ('print("a\\n\\n")', "bug"), other
        )
