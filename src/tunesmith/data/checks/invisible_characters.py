"""F021: signs that are not seen stand in texts (zero width, soft hyphen, byte order mark)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, safe_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import damage
from tunesmith.parts import Case, Fault, RowCheck, Tally


class InvisibleCharacters(RowCheck):
    """They split words for a tokenizer and can hide text from a reader.  Where a script needs them they stay."""

    code = "F021"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, damage.invisible, damage.seen)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = safe_fix(self.code, f"removes them from {rows}", edits=tally.edits) if tally.edits else None
        return Finding(
            self.code,
            "warning",
            f"{rows} with invisible signs inside",
            tally.count,
            tuple(tally.places),
            fix=fix,
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("my ca\u200brd is \ufefflost", "card"), ("soft\u00adware", "bug"), other)
        return dirty, labelled(
            ("می\u200cخواهم", "card"), ("all fine \U0001f469\u200d\U0001f4bb", "bug"), other
        )
