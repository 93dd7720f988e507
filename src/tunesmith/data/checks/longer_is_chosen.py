"""L221: the chosen answers are systematically longer, or shorter, than the rejected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import pairs as preferences
from tunesmith.data.checks._turns import said
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check

FEWEST = 20  # pairs
LEANING = 0.6  # share of pairs from which it is worth a word
STRONG = 0.75  # share from which length alone is a good judge
SURE = 0.001  # two-sided sign test


@dataclass(slots=True)
class _Lengths:
    """Pairs of answers by which is longer; pairs of equal length don't count.  gap: characters by which the chosen are
    longer, in all."""

    longer: int = 0
    shorter: int = 0
    gap: int = 0


class LongerIsChosen(Check):
    """Where length tells which answer wins, preference training teaches length before anything else."""

    code = "L221"
    wants = frozenset({"turns"})

    def start(self) -> _Lengths:
        return _Lengths()

    def update(self, state: _Lengths, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Lengths:
        for row in rows:
            if row.fields.get("chosen") and row.fields.get("rejected"):
                gap = _size(row, "chosen") - _size(row, "rejected")
                state.longer += gap > 0
                state.shorter += gap < 0
                state.gap += gap
        return state

    def merge(self, first: _Lengths, second: _Lengths) -> _Lengths:
        return _Lengths(first.longer + second.longer, first.shorter + second.shorter, first.gap + second.gap)

    def findings(self, state: _Lengths) -> list[Finding]:
        pairs = state.longer + state.shorter
        most = max(state.longer, state.shorter)
        if pairs < FEWEST or most < LEANING * pairs or (chance := _chance(most, pairs)) > SURE:
            return []
        word = "longer" if state.longer >= state.shorter else "shorter"
        message = (
            f"the chosen answer is the {word} one in {most / pairs:.0%} of {plural(pairs, 'pair')} "
            f"({abs(state.gap) / pairs:,.0f} characters on average): length alone tells which is preferred"
        )
        numbers = {"share": most / pairs, "p": chance, "gap": state.gap / pairs, "pairs": pairs}
        severity = "warning" if most >= STRONG * pairs else "info"
        return [Finding(self.code, severity, message, most, numbers=numbers)]

    def planted(self) -> tuple[Case, Case]:
        asked = [said("user", "Do you repair brakes?")]
        long, short = [said("assistant", "Yes, on weekdays from nine to five.")], [said("assistant", "Yes.")]
        one = {"prompt": asked, "chosen": long, "rejected": short}
        other = {"prompt": asked, "chosen": short, "rejected": long}
        return preferences(*[one] * 30, other), preferences(*[one, other] * 15)


def _size(row: Record, field: str) -> int:
    return sum(len(str(turn["content"])) for turn in row.fields[field])


def _chance(most: int, pairs: int) -> float:
    """Two-sided p of a sign test, by the normal approximation with continuity correction."""
    z = (most - pairs / 2 - 0.5) / math.sqrt(pairs / 4)
    return math.erfc(z / math.sqrt(2))
