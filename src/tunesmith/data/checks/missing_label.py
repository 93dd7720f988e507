"""L201: rows without a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import PlantedTask, label_of, planted_rows, plural, safe_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Check


class MissingLabel(Check):
    """Such rows leave: there is nothing to learn from them and nothing to score them by."""

    code = "L201"
    needs = frozenset({"task"})

    def start(self) -> list[Place]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state.extend(row.place for row in rows if label_of(row, evidence) is None)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        message = f"{plural(len(state), 'row')} without a label"
        fix = safe_fix(self.code, f"drops {plural(len(state), 'row')}", state)
        return [Finding(self.code, "warning", message, len(state), shown(state), fix=fix)]

    def planted(self) -> tuple[list[Record], list[Record], dict[str, Any]]:
        dirty = planted_rows(("my card is lost", "card"), ("cancel my order", None), ("where is it", " "))
        clean = planted_rows(
            ("my card is lost", "card"), ("cancel my order", "order"), ("where is it", "parcel")
        )
        return dirty, clean, {"task": PlantedTask()}
