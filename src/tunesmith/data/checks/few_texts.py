"""S604: few different texts behind many rows."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

KNOWN = 50  # rows
FEW = 0.5  # share of rows with a text of their own
KEPT = 4_096  # smallest hashes: the estimate is exact up to here, and to about 1.6 % above
LOOKED_AT = 1_000  # characters of a text
_LARGEST = 1 << 64


@dataclass(slots=True)
class _Distinct:
    """How many different texts there are, from the smallest of their hashes (Bar-Yossef et al., 2002)."""

    rows: int = 0
    hashes: set[int] = field(default_factory=set)
    heap: list[int] = field(default_factory=list)

    def add(self, value: int) -> None:
        if value in self.hashes or (len(self.heap) == KEPT and value >= -self.heap[0]):
            return
        self.hashes.add(value)
        heapq.heappush(self.heap, -value)
        if len(self.heap) > KEPT:
            self.hashes.discard(-heapq.heappop(self.heap))

    @property
    def count(self) -> int:
        if len(self.heap) < KEPT:
            return len(self.heap)
        return round((KEPT - 1) * _LARGEST / -self.heap[0])


class FewTexts(Check):
    """A thousand copies of ten texts are ten texts: what counts is how many differ."""

    code = "S604"

    def start(self) -> _Distinct:
        return _Distinct()

    def update(self, state: _Distinct, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Distinct:
        state.rows += len(rows)
        for row in rows:
            text = normalise(text_of(row, evidence)[:LOOKED_AT]).encode("utf-8", "surrogatepass")
            state.add(int.from_bytes(blake2b(text, digest_size=8).digest(), "big"))
        return state

    def merge(self, first: _Distinct, second: _Distinct) -> _Distinct:
        merged = _Distinct(first.rows + second.rows)
        for value in first.hashes | second.hashes:
            merged.add(value)
        return merged

    def findings(self, state: _Distinct) -> list[Finding]:
        texts = min(state.count, state.rows)
        if state.rows < KNOWN or texts >= FEW * state.rows:
            return []
        about = "" if len(state.heap) < KEPT else "about "
        message = f"{about}{plural(texts, 'different text')} in {plural(state.rows, 'row')}: there is less to learn "
        message += "from than it looks"
        numbers = {"texts": texts, "rows": state.rows, "share": texts / state.rows}
        fix = Fix("tunesmith data fix FILE D101", "leaves equal rows out; then add rows that differ")
        return [Finding(self.code, "warning", message, state.rows - texts, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        many = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(KNOWN)]
        few = [(f"where is parcel {i % 5}", f"depot {i % 2}") for i in range(KNOWN)]
        return labelled(*few), labelled(*many)
