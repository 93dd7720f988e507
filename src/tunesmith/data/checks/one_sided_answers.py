"""L222: answers of which all or nearly all are good, or all are bad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.checks._rows import planted
from tunesmith.data.checks._turns import said
from tunesmith.data.contents.unpaired import Unpaired
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check

RARE = 0.1  # share of the rarer side below which it is worth a word
FEWEST = 10  # answers


@dataclass(slots=True)
class _Sides:
    """Answers by what was said of them."""

    good: int = 0
    bad: int = 0


class OneSidedAnswers(Check):
    """Learning from single verdicts needs both: what to say and what not to say."""

    code = "L222"
    wants = frozenset({"turns"})

    def start(self) -> _Sides:
        return _Sides()

    def update(self, state: _Sides, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Sides:
        if any(each.kind == "flag" for each in evidence["content"].fields):
            verdicts = [row.fields.get("label") for row in rows]
            state.good += sum(verdict is True for verdict in verdicts)
            state.bad += sum(verdict is False for verdict in verdicts)
        return state

    def merge(self, first: _Sides, second: _Sides) -> _Sides:
        return _Sides(first.good + second.good, first.bad + second.bad)

    def findings(self, state: _Sides) -> list[Finding]:
        answers, rare = state.good + state.bad, min(state.good, state.bad)
        if answers < FEWEST or rare >= RARE * answers:
            return []
        message = f"{state.good:,} answers are marked good and {state.bad:,} bad: " + (
            "one side only has nothing to tell apart" if not rare else "weigh the rarer side, or add to it"
        )
        numbers = {"good": state.good, "bad": state.bad, "share": rare / answers}
        return [Finding(self.code, "info" if rare else "warning", message, answers - rare, numbers=numbers)]

    def planted(self) -> tuple[Case, Case]:
        row = {"prompt": [said("user", "Brakes?")], "completion": [said("assistant", "Yes.")]}
        good, bad = {**row, "label": True}, {**row, "label": False}
        return planted(Unpaired(), *[good] * 12), planted(Unpaired(), *[good, good, bad] * 5)
