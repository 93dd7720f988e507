"""D105: rows whose text also stands in the test file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, safe_fix, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class SharedWithTest(RowCheck):
    """Such rows leave the training data: a score on texts seen in training proves nothing."""

    code = "D105"
    needs = frozenset({"held_out"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        held_out = evidence["held_out"]
        return Fault() if held_out and normalise(text_of(row, evidence)) in held_out else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        message = f"{rows} with the same text as a row of the test file"
        fix = safe_fix(self.code, f"drops {rows} from the training data", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        held_out, other = frozenset({"my card is lost"}), ("cancel my order", "order")
        dirty = labelled(("My card  is LOST", "card"), other, held_out=held_out)
        return dirty, labelled(("the card was stolen", "card"), other, held_out=held_out)
