"""F022: texts that were read in the wrong encoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs import mojibake
from tunesmith.parts import Case, Fault, RowCheck, Tally


class Mojibake(RowCheck):
    """UTF-8 read as Windows-1252: the repaired text is offered, a person decides."""

    code = "F022"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, mojibake.garbled, mojibake.read_again)

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = (
            review_fix(self.code, f"reads {rows} again in the right encoding", edits=tally.edits)
            if tally.edits
            else None
        )
        return Finding(
            self.code,
            "warning",
            f"{rows} read in the wrong encoding ('Ã©' for 'é')",
            tally.count,
            tuple(tally.places),
            fix=fix,
        )

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        dirty = labelled(("un cafÃ© froid", "card"), ("I donâ€™t know", "order"), other)
        return dirty, labelled(
            ("un café froid", "card"), ("I don’t know", "order"), ("« LE CAFÉ »", "card"), other
        )
