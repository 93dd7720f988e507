"""F026: letters and their accents are written apart, so that equal words differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, safe_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import damage
from tunesmith.parts import Case, Fault, RowCheck, Tally


class DecomposedUnicode(RowCheck):
    """'é' as e and an accent looks like 'é' as one letter, but is another token and another duplicate."""

    code = "F026"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, damage.decomposed, damage.composed)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = (
            safe_fix(self.code, f"composes them in {rows} (NFC)", edits=tally.edits) if tally.edits else None
        )
        return Finding(
            self.code,
            "warning",
            f"{rows} with letters in decomposed form (not NFC)",
            tally.count,
            tuple(tally.places),
            fix=fix,
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("un cafe\u0301 froid", "card"), other)
        return dirty, labelled(("un café froid", "card"), ("\uf9d1", "order"), other)
