"""L209: classes of very unequal size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import label_form, labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

UNEQUAL = 5.0  # largest ÷ smallest class from which a measured plan is worth its minutes
VERY = 50.0
ROWS = 10  # smaller classes are L207's: what they lack is rows, not balance


class Imbalance(Check):
    """What to do about it is measured, not guessed, by `data balance`.  State: rows of each label."""

    code = "L209"
    wants = frozenset({"labels"})

    def start(self) -> Counter[str]:
        return Counter()

    def update(
        self, state: Counter[str], rows: Sequence[Record], evidence: Mapping[str, Any]
    ) -> Counter[str]:
        for row in rows:
            state.update(evidence["content"].labels(row))
        return state

    def merge(self, first: Counter[str], second: Counter[str]) -> Counter[str]:
        return first + second

    def findings(self, state: Counter[str]) -> list[Finding]:
        sizes: Counter[str] = Counter()
        names: dict[str, str] = {}
        for label, rows in sorted(state.items(), key=lambda item: (-item[1], item[0])):
            if form := label_form(label):
                sizes[names.setdefault(form, label)] += rows
        large = {label: rows for label, rows in sizes.items() if rows >= ROWS}
        if len(large) < 2:
            return []
        most, least = (pick(large, key=lambda label: (large[label], label)) for pick in (max, min))
        ratio = large[most] / large[least]
        if ratio < UNEQUAL:
            return []
        message = (
            f"the largest class ('{most}', {plural(large[most], 'row')}) is {ratio:,.0f} times the smallest "
            f"('{least}', {large[least]:,})"
        )
        fix = Fix(
            "tunesmith data balance FILE", "measures what weights, oversampling or more rows would bring"
        )
        numbers = {"ratio": ratio, "classes": len(sizes), "largest": large[most], "smallest": large[least]}
        severity = "warning" if ratio >= VERY else "info"
        return [Finding(self.code, severity, message, large[least], (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        cards = [(f"lost card number {i}", "card") for i in range(60)]
        parcels = [(f"where is parcel {i}", "parcel") for i in range(60)]
        return labelled(*cards, *parcels[:10]), labelled(*cards, *parcels)
