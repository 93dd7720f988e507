"""P301: e-mail addresses in the texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import PlantedTask, planted_rows, plural, review_fix, shown, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Check

# every repetition is bounded, so that a long text without a match costs linear time
_ADDRESS = re.compile(r"[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b")


class EmailAddresses(Check):
    """Counted and placed, never shown nor removed: whether they may be trained on is the owner's decision."""

    code = "P301"
    needs = frozenset({"task"})

    def start(self) -> list[Place]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for row in rows:
            text = text_of(row, evidence)
            if "@" in text and _ADDRESS.search(text):
                state.append(row.place)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        message = f"{plural(len(state), 'row')} with an e-mail address"
        fix = review_fix("replace the addresses in the file if the model must not learn them")
        return [Finding(self.code, "warning", message, len(state), shown(state), fix=fix)]

    def planted(self) -> tuple[list[Record], list[Record], dict[str, Any]]:
        dirty = planted_rows(("write to jo.doe+x@mail.example.org please", "card"), ("cancel it", "order"))
        clean = planted_rows(("meet @ noon, 3@4 or user@localhost", "card"), ("cancel it", "order"))
        return dirty, clean, {"task": PlantedTask()}
