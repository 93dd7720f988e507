"""L215: the label is a number with many values, so that this looks like regression."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import label_of, labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

KNOWN = 50  # rows
NUMBERS = 0.95  # share of labels that are numbers
VALUES = 20  # different numbers up to which they may be classes
PER_VALUE = 5  # rows of each, on average, from which they may be classes
COUNTED = 50_000  # different values that are told apart
_NUMBER = re.compile(r"[-+]?\d{1,30}(?:[.,]\d{1,30})?(?:[eE][-+]?\d{1,3})?")


@dataclass(slots=True)
class _Values:
    rows: int = 0
    numbers: int = 0
    broken: int = 0  # of the numbers, those with a fraction
    values: set[str] = field(default_factory=set)


class NumericLabels(Check):
    """A classifier of such labels knows nothing of near and far: 3.9 and 4.0 are as different as 1 and 5."""

    code = "L215"
    wants = frozenset({"labels"})

    def start(self) -> _Values:
        return _Values()

    def update(self, state: _Values, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Values:
        for row in rows:
            if (label := label_of(row, evidence)) is None:
                continue
            state.rows += 1
            if label[-1].isdigit() and _NUMBER.fullmatch(label):
                state.numbers += 1
                state.broken += not label.lstrip("+-").isdigit()
                if len(state.values) < COUNTED:
                    state.values.add(label)
        return state

    def merge(self, first: _Values, second: _Values) -> _Values:
        values = set(sorted(first.values | second.values)[:COUNTED])
        numbers, broken = first.numbers + second.numbers, first.broken + second.broken
        return _Values(first.rows + second.rows, numbers, broken, values)

    def findings(self, state: _Values) -> list[Finding]:
        values = len(state.values)
        if state.rows < KNOWN or state.numbers < NUMBERS * state.rows or values <= VALUES:
            return []
        if state.broken < state.numbers / 2 and state.numbers >= PER_VALUE * values:
            return []
        message = (
            f"{plural(values, 'different number')} as labels of {plural(state.rows, 'row')}: this looks like "
        )
        message += "regression, and would be learnt as classes"
        numbers = {"values": values, "rows": state.rows}
        fix = Fix("write ranges as labels (low, middle, high)", "gives classes that can be learnt")
        return [Finding(self.code, "warning", message, state.numbers, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        prices = [(f"a flat with {i} rooms", f"{900 + 37.5 * i}") for i in range(KNOWN)]
        stars = [(f"a flat with {i} rooms", str(1 + i % 5)) for i in range(KNOWN)]
        return labelled(*prices), labelled(*stars)
