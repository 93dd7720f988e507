"""D101: rows that stand in the data more than once, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import key_of, labelled, plural, safe_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check


class ExactDuplicates(Check):
    """All but the first of equal rows leave: a copy teaches nothing and would be counted twice."""

    code = "D101"

    def start(self) -> list[tuple[str, Place]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state.extend((key_of(row), row.place) for row in rows)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        seen: set[str] = set()
        copies: list[Place] = []
        for key, place in state:
            if key in seen:
                copies.append(place)
            seen.add(key)
        if not copies:
            return []
        message = f"{plural(len(copies), 'row')} equal to an earlier row in every field"
        fix = safe_fix(
            self.code,
            f"drops {plural(len(copies), 'row')}; the first of each stays",
            [place.id for place in copies],
        )
        return [Finding(self.code, "warning", message, len(copies), shown(copies), fix=fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [("my card is lost", "card"), ("cancel my order", "order"), ("my card was lost", "card")]
        return labelled(*rows, rows[0], rows[0]), labelled(*rows)
