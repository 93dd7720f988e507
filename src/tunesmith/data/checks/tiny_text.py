"""Q502: texts too short to say anything: under three characters, or without a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import (
    PlantedTask,
    normalise,
    planted_rows,
    plural,
    review_fix,
    shown,
    text_of,
)
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Check

SHORT = 3  # characters; in scripts with a sign per word even one says something, so only ASCII is measured


class TinyText(Check):
    """Such rows stay: "no" may be an answer.  Empty texts are Q501."""

    code = "Q502"
    needs = frozenset({"task"})

    def start(self) -> list[Place]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state.extend(row.place for row in rows if _tiny(normalise(text_of(row, evidence))))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        message = f"{plural(len(state), 'row')} with a text under {SHORT} characters or without a letter"
        fix = review_fix("leave these rows out if their texts say nothing", state)
        return [Finding(self.code, "warning", message, len(state), shown(state), fix=fix)]

    def planted(self) -> tuple[list[Record], list[Record], dict[str, Any]]:
        dirty = planted_rows(("my card is lost", "card"), ("ok", "order"), ("12 / 34", "card"))
        clean = planted_rows(("my card is lost", "card"), ("okay", "order"), ("退款", "card"), ("", "card"))
        return dirty, clean, {"task": PlantedTask()}


def _tiny(text: str) -> bool:
    if not text:
        return False
    return (len(text) < SHORT and text.isascii()) or not any(map(str.isalpha, text))
