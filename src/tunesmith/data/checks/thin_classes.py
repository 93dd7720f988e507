"""S605: classes with too few rows for a score of their own that says something."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._classes import classes, counted
from tunesmith.data.checks._rows import labelled, plural
from tunesmith.data.checks.few_rows import ACCURACY, TEST_SHARE
from tunesmith.data.checks.small_classes import NEEDED
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

WIDE = 0.15  # half-width beyond which good and poor classes can't be told apart


class ThinClasses(Check):
    """Says beforehand how exact each class's recall can be measured: half the width of Wilson's 95 % interval.

    Classes under ten rows are L207's.  State: rows of each label; None where there is a test file, whose labels
    are not known here.
    """

    code = "S605"
    wants = frozenset({"labels"})
    needs = frozenset({"held_out"})

    def start(self) -> tuple[Counter[str], bool]:
        return Counter(), False

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state[0].update(counted(rows, evidence))
        return state[0], bool(evidence["held_out"])

    def merge(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1] or second[1]

    def findings(self, state: Any) -> list[Finding]:
        labels, tested = state
        found = classes(labels)
        thin = sorted((rows, label) for label, rows in found.items() if NEEDED <= rows < _needed())
        if tested or not thin:
            return []
        rows = thin[0][0]
        width = _half_width(max(1, math.floor(rows * TEST_SHARE)))
        message = (
            f"{plural(len(thin), 'class', 'classes')} of {len(found)} with too few rows for a score of their own: "
            f"{thin[0][1]!r} ({rows:,}) would be known to ±{100 * width:.0f} points"
        )
        numbers = {"classes": len(thin), "smallest": rows, "half_width": round(width, 4), "needed": _needed()}
        effect = f"{_needed():,} rows of a class would give ±{100 * WIDE:.0f} points"
        fix = Fix("add rows of these classes to the file", effect)
        return [Finding(self.code, "info", message, sum(rows for rows, _ in thin), (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        many = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(400)]
        few = [(f"lost card number {i}", "card") for i in range(30)]
        return labelled(*many, *few, held_out=frozenset()), labelled(*many, held_out=frozenset())


def _half_width(rows: int) -> float:
    """Of Wilson's interval at the accuracy of a middling classifier."""
    square = 1.96**2
    root = math.sqrt(ACCURACY * (1 - ACCURACY) / rows + square / (4 * rows * rows))
    return 1.96 / (1 + square / rows) * root


def _needed() -> int:
    """Rows of a class that leave enough for the test."""
    rows = next(rows for rows in range(1, 10_000) if _half_width(rows) <= WIDE)
    return math.ceil(rows / TEST_SHARE)
