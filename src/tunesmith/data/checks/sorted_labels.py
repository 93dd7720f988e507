"""Q508: labels stand in long runs: the file is sorted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import label_of, labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

KNOWN = 40  # rows without which runs say nothing
FEW = 0.5  # of the runs that a shuffled file would have


@dataclass(slots=True)
class _Runs:
    """Runs of equal labels.  opening, open: rows of the first run and of the last, the same one where runs is 1."""

    rows: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    longest: int = 0
    first: str = ""
    last: str = ""
    opening: int = 0
    open: int = 0

    def add(self, label: str) -> None:
        self.rows[label] += 1
        if self.runs and label == self.last:
            self.open += 1
        else:
            self.runs, self.last, self.open = self.runs + 1, label, 1
        if self.runs == 1:
            self.first, self.opening = label, self.open
        self.longest = max(self.longest, self.open)


class SortedLabels(Check):
    """The first rows are no sample of the file, and a program that trains in file order forgets what came first.

    A shuffled file has about 1 + n (1 - sum of squared shares) runs, the longest of about log n / -log p rows,
    where p is the share of the largest class.
    """

    code = "Q508"
    wants = frozenset({"labels"})

    def start(self) -> _Runs:
        return _Runs()

    def update(self, state: _Runs, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Runs:
        for row in rows:
            if (label := label_of(row, evidence)) is not None:
                state.add(label)
        return state

    def merge(self, first: _Runs, second: _Runs) -> _Runs:
        if not first.runs or not second.runs:
            return first if first.runs else second
        joins = first.last == second.first
        seam = first.open + second.opening if joins else 0
        return _Runs(
            first.rows + second.rows,
            first.runs + second.runs - joins,
            max(first.longest, second.longest, seam),
            first.first,
            second.last,
            seam if joins and first.runs == 1 else first.opening,
            seam if joins and second.runs == 1 else second.open,
        )

    def findings(self, state: _Runs) -> list[Finding]:
        count = state.rows.total()
        expected = 1 + count * (1 - sum((rows / count) ** 2 for rows in state.rows.values())) if count else 0
        if count < KNOWN or expected < KNOWN / 2 or state.runs > FEW * expected:
            return []
        chance = math.log(count) / -math.log(max(state.rows.values()) / count)
        message = (
            f"labels stand in {plural(state.runs, 'run')} (shuffled: about {expected:,.0f}), the longest of "
            f"{plural(state.longest, 'row')} (about {chance:,.0f}): the file is sorted"
        )
        numbers = {
            "runs": state.runs,
            "expected": round(expected, 1),
            "longest": state.longest,
            "expected_longest": round(chance, 1),
        }
        fix = Fix("tunesmith up FILE", "shuffles by itself; shuffle the file for programs that do not")
        return [Finding(self.code, "info", message, count, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(60)]
        return labelled(*sorted(rows, key=lambda row: row[1])), labelled(*rows)
