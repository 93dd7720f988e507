"""F024: control characters or NUL stand in texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, safe_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import damage
from tunesmith.parts import Case, Fault, RowCheck, Tally


class ControlCharacters(RowCheck):
    """Left by terminals and torn exports; a tokenizer spends tokens on them, and some programs stop at NUL."""

    code = "F024"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, damage.controls, damage.uncontrolled)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = safe_fix(self.code, f"removes them from {rows}", edits=tally.edits) if tally.edits else None
        return Finding(
            self.code, "warning", f"{rows} with control characters", tally.count, tuple(tally.places), fix=fix
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("my card\x00 is lost", "card"), ("\x1b[31mred\x1b[0m light", "bug"), other)
        return dirty, labelled(("my card\tis\r\nlost\n", "card"), ("red light", "bug"), other)
