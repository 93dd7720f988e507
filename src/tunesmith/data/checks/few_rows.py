"""S601: so few rows that the proof will have a wide interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks import _across
from tunesmith.data.checks._rows import labelled, normalise, plural, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

TEST_SHARE = 0.15
ACCURACY = 0.85  # of a middling classifier: the interval is widest at 0.5 and narrows towards 1
WIDE = 0.05  # half-width beyond which two models a few points apart can't be told from each other


class FewRows(Check):
    """Says beforehand how exact the proof can be: 1.96 · sqrt(p (1 - p) / n) at p = 0.85 (normal approximation).

    n: rows of the test file; else those that say they are for the test; else the share that is cut from the rows that
    are for training or don't say.  Made rows prove nothing and are not counted.
    State: ({side: usable rows that say so}, rows of the test file; 0 where there is none).
    """

    code = "S601"
    wants = frozenset({"labels"})
    needs = frozenset({"held_out"})

    def start(self) -> tuple[Counter[str], int]:
        return Counter(), 0

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        state[0].update(_side(row) for row in rows if _scored(row, evidence))
        return state[0], len(evidence["held_out"])

    def merge(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], max(first[1], second[1])

    def findings(self, state: Any) -> list[Finding]:
        sides, file = state
        rows, held_out = sides.total(), file or sides["test"]
        test_rows = held_out or math.floor((rows - sides["validation"]) * TEST_SHARE)
        width = min(0.5, _half_width(max(test_rows, 1)))
        if not rows or width <= WIDE:
            return []
        needed = math.ceil((1.96 / WIDE) ** 2 * ACCURACY * (1 - ACCURACY))
        needed, noun = (needed, "test row") if held_out else (math.ceil(needed / TEST_SHARE), "row")
        message = (
            f"{plural(test_rows, 'test row')}: an accuracy of {ACCURACY:.0%} would be known to about "
            f"±{100 * width:.0f} points; ±{100 * WIDE:.0f} points need {plural(needed, noun)}"
        )
        numbers = {"rows": rows, "test_rows": test_rows, "half_width": round(width, 4), "needed": needed}
        fix = Fix(
            "add labelled rows to the file", f"{plural(needed, noun)} would give ±{100 * WIDE:.0f} points"
        )
        return [Finding(self.code, "warning", message, rows, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(1500)]
        return labelled(*rows[:200], held_out=frozenset()), labelled(*rows, held_out=frozenset())


def _scored(row: Record, evidence: Mapping[str, Any]) -> bool:
    """Whether the row can be tested on: no made one; it has a text and says what is right (of several labels that may
    be none of them)."""
    if row.fields.get("origin"):
        return False
    target = evidence["content"].target(row)
    return target is not None and not target.isspace() and bool(normalise(text_of(row, evidence)))


def _side(row: Record) -> str:
    return _across.side_of(str(row.fields.get("split") or ""))


def _half_width(rows: int) -> float:
    return 1.96 * math.sqrt(ACCURACY * (1 - ACCURACY) / rows)
