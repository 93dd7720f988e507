"""L208: fewer than two classes, so there is nothing to tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import label_form, labelled, plural, usable
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check


class SingleClass(Check):
    """Only rows with a text and a label count, since the others leave in cleaning.  State: (rows seen,
    labels)."""

    code = "L208"
    wants = frozenset({"labels"})

    def start(self) -> tuple[int, frozenset[str]]:
        return 0, frozenset()

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        content = evidence["content"]
        new = {
            label_form(label) for row in rows if usable(row, evidence) for label in content.labels(row)
        } - {""}
        return state[0] + len(rows), state[1] | new

    def merge(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1] | second[1]

    def findings(self, state: Any) -> list[Finding]:
        rows, labels = state
        if not rows or len(labels) > 1:
            return []
        only = f"every labelled row has the label {next(iter(labels))!r}" if labels else "no row has a label"
        message = f"{only} ({plural(rows, 'row')}): a classifier needs at least two classes"
        fix = Fix("tunesmith up FILE --label COLUMN", "names the column that holds the labels")
        return [Finding(self.code, "error", message, rows, (), {"classes": len(labels), "needed": 2}, fix)]

    def planted(self) -> tuple[Case, Case]:
        dirty = labelled(("my card is lost", "card"), ("no card", "Card"), ("", "order"))
        clean = labelled(("my card is lost", "card"), ("no card", "Card"), ("cancel it", "order"))
        return dirty, clean
