"""L205: one label in several spellings, such as "Refund" and "refund "."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import (
    label_form,
    labelled,
    plural,
    safe_fix,
    shown,
    target_field,
)
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check


class LabelSpellings(Check):
    """Every row gets the most frequent spelling; at a tie the tidiest one.  State: (path, label, place)."""

    code = "L205"
    wants = frozenset({"labels"})

    def start(self) -> list[tuple[str, str, Place]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        field = target_field(evidence["content"])
        for row in rows:
            value = row.fields.get(field)
            several = enumerate(value) if isinstance(value, list) else ()
            paths = [(f"{field}/{index}", each) for index, each in several] or [(field, value)]
            state += [
                (path, each, row.place) for path, each in paths if isinstance(each, str) and label_form(each)
            ]
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        better = _better(Counter(label for _, label, _ in state))
        changed = [(path, label, place) for path, label, place in state if label in better]
        if not changed:
            return []
        pairs = ", ".join(f"{label!r} → {better[label]!r}" for label in sorted(better)[:3])
        message = (
            f"{plural(len(better), 'label')} in another spelling, in {plural(len(changed), 'row')}: {pairs}"
        )
        edits = [(place.id, path, better[label]) for path, label, place in changed]
        fix = safe_fix(self.code, f"rewrites the label of {plural(len(changed), 'row')}", edits=edits)
        places = shown(place for *_, place in changed)
        numbers = {"spellings": len(better), "rows": len(changed)}
        return [Finding(self.code, "warning", message, len(changed), places, numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, others = ("send it back", "Refund"), [("lost my card", "lost card"), ("money back", "Refund")]
        dirty = labelled(first, *others, ("I want a refund", "refund "), ("no card", "Lost_Card"))
        clean = labelled(first, *others, ("I want a refund", "Refund"), ("no card", "lost card"))
        return dirty, clean


def _better(counts: Counter[str]) -> dict[str, str]:
    """Spelling → the spelling that replaces it."""
    forms: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        forms[label_form(label)].append(label)
    better = {}
    for spellings in forms.values():
        best = min(spellings, key=lambda label: (-counts[label], label != " ".join(label.split()), label))
        better |= {label: best for label in spellings if label != best}
    return better
