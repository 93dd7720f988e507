"""D105: rows whose text also stands in the test file."""

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


class SharedWithTest(Check):
    """Such rows leave the training data: a score on texts seen in training proves nothing."""

    code = "D105"
    needs = frozenset({"task", "held_out"})

    def start(self) -> list[Place]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        held_out = evidence["held_out"]
        if held_out:
            state.extend(row.place for row in rows if normalise(text_of(row, evidence)) in held_out)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        message = f"{plural(len(state), 'row')} with the same text as a row of the test file"
        fix = safe_fix(self.code, f"drops {plural(len(state), 'row')} from the training data", state)
        return [Finding(self.code, "warning", message, len(state), shown(state), fix=fix)]

    def planted(self) -> tuple[list[Record], list[Record], dict[str, Any]]:
        dirty = planted_rows(("My card  is LOST", "card"), ("cancel my order", "order"))
        clean = planted_rows(("the card was stolen", "card"), ("cancel my order", "order"))
        return dirty, clean, {"task": PlantedTask(), "held_out": frozenset({"my card is lost"})}
