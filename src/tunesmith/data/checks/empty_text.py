"""Q501: rows whose text is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, safe_fix, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class EmptyText(RowCheck):
    """Such rows leave: they would teach that silence means their label.  Of a conversation all turns must be empty."""

    code = "Q501"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        if normalise(text_of(row, evidence)):
            return None
        content = evidence["content"]
        talk = content.passages(row) if "turns" in content.offers else ()
        return None if any(normalise(text) for _, text in talk) else Fault()

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = safe_fix(self.code, f"drops {rows}", tally.ids)
        return Finding(
            self.code, "warning", f"{rows} with an empty text", tally.count, tuple(tally.places), fix=fix
        )

    def planted(self) -> tuple[Case, Case]:
        first = ("my card is lost", "card")
        dirty = labelled(first, (" \u200b\t", "order"), (None, "card"), ("", "card"))
        return dirty, labelled(first, ("no", "order"), ("?", "card"))
