"""Q501: rows whose text is empty or blank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import (
    PlantedTask,
    normalise,
    planted_rows,
    plural,
    safe_fix,
    shown,
    text_of,
)
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Check


class EmptyText(Check):
    """Such rows leave: they would teach that silence means their label."""

    code = "Q501"
    needs = frozenset({"task"})

    def start(self) -> list[Place]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state.extend(row.place for row in rows if not normalise(text_of(row, evidence)))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        message = f"{plural(len(state), 'row')} with an empty text"
        fix = safe_fix(self.code, f"drops {plural(len(state), 'row')}", state)
        return [Finding(self.code, "warning", message, len(state), shown(state), fix=fix)]

    def planted(self) -> tuple[list[Record], list[Record], dict[str, Any]]:
        dirty = planted_rows(
            ("my card is lost", "card"), (" \u200b\t", "order"), (None, "card"), ("", "card")
        )
        clean = planted_rows(("my card is lost", "card"), ("no", "order"), ("?", "card"))
        return dirty, clean, {"task": PlantedTask()}
