"""Q513: rows far longer than the others."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check

KNOWN = 50  # rows without which nothing is usual
LONG = 1_000  # characters up to which no row is a burden
AWAY = 6.0  # robust standard deviations of the logarithm of lengths
SPREAD = 0.25  # the least that lengths are taken to spread, in natural logarithm
FEW = 0.02  # share from which long rows are a kind of their own
KEPT = 1_000  # longest rows that are remembered
_STEPS = 16  # of the histogram, to each doubling

_Row = tuple[int, int, str, Place]


@dataclass(slots=True)
class _Lengths:
    """A histogram of the logarithms of lengths, and the longest rows: (length, -line, file, place), a heap."""

    steps: Counter[int] = field(default_factory=Counter)
    longest: list[_Row] = field(default_factory=list)

    def add(self, length: int, place: Place) -> None:
        self.steps[int(math.log2(length) * _STEPS)] += 1
        if length > LONG and (len(self.longest) < KEPT or length > self.longest[0][0]):
            self.keep((length, -place.line, place.source, place))

    def keep(self, row: _Row) -> None:
        keep = heapq.heappush if len(self.longest) < KEPT else heapq.heappushpop
        keep(self.longest, row)


class LongOutliers(Check):
    """One of them fills a batch by itself; often it is two rows in one, a pasted log, or a page with its menus."""

    code = "Q513"

    def start(self) -> _Lengths:
        return _Lengths()

    def update(self, state: _Lengths, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Lengths:
        passages = evidence["content"].passages
        for row in rows:
            if length := sum([len(text) for _, text in passages(row)]):
                state.add(length, row.place)
        return state

    def merge(self, first: _Lengths, second: _Lengths) -> _Lengths:
        merged = _Lengths(first.steps + second.steps, list(first.longest))
        for row in second.longest:
            merged.keep(row)
        return merged

    def findings(self, state: _Lengths) -> list[Finding]:
        rows = state.steps.total()
        if rows < KNOWN:
            return []
        middle = _median(state.steps) / _STEPS
        away = Counter({abs(step - middle * _STEPS): 0 for step in state.steps})
        for step, count in state.steps.items():
            away[abs(step - middle * _STEPS)] += count
        spread = max(SPREAD / math.log(2), 1.4826 * _median(away) / _STEPS)
        limit = max(LONG, 2 ** (middle + AWAY * spread))
        found = sorted((row for row in state.longest if row[0] > limit), reverse=True)
        if not found or len(found) > FEW * rows:
            return []
        message = (
            f"{plural(len(found), 'row')} far longer than the others: up to {found[0][0]:,} characters, "
            f"half of the rows have under {2**middle:,.0f}"
        )
        places = [place for *_, place in found]
        numbers = {"longest": found[0][0], "median": round(2**middle), "limit": round(limit)}
        fix = review_fix(self.code, "leaves these rows out", [place.id for place in places])
        return [Finding(self.code, "info", message, len(found), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i} " * (1 + i % 3), f"depot {i % 2}") for i in range(KNOWN)]
        return labelled(*rows, ("where is it " * 1_000, "x")), labelled(*rows, ("where is it " * 20, "x"))


def _median(counts: Mapping[Any, int]) -> float:
    left = sum(counts.values()) / 2
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return float(value)
    return 0.0
