"""D111: training rows that are later than the first row of the given test side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks import _across
from tunesmith.data.checks._rows import plural, review_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.inputs.moments import moment
from tunesmith.parts import Case, Check

State = tuple[float, list[tuple[float, Place]]]


class LaterThanTest(Check):
    """A model in use knows the past only.  Rows whose time can't be read are passed over.

    State: the first moment of the test side, and (moment, place) of the other rows.
    """

    code = "D111"
    needs = frozenset({"sides"})

    def start(self) -> State:
        return float("inf"), []

    def update(self, state: State, rows: Sequence[Record], evidence: Mapping[str, Any]) -> State:
        first, others = state
        for row, side in zip(rows, evidence["sides"].tolist(), strict=True):
            if side not in _across.SIDES or (time := moment(row.fields.get("time") or "")) is None:
                continue
            if side == "test":
                first = min(first, time)
            else:
                others.append((time, row.place))
        return first, others

    def merge(self, first: State, second: State) -> State:
        return min(first[0], second[0]), first[1] + second[1]

    def findings(self, state: State) -> list[Finding]:
        first, others = state
        late = [place for time, place in others if time > first]
        if not late:
            return []
        rows, share = plural(len(late), "row"), len(late) / len(others)
        message = f"{rows} to learn from ({share:.0%}) later than the first row of the test side"
        fix = review_fix(
            self.code, f"leaves out {rows}, so that the test lies in the future", [p.id for p in late]
        )
        numbers = {"rows": len(late), "share": share}
        return [Finding(self.code, "warning", message, len(late), shown(late), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        days = ("2026-03-01", "2026-03-02T10:00:00", "2026-03-03", "")
        rows = [{"text": f"card {day}", "label": "card", "time": day} for day in days]
        dirty = _across.sided(*zip(rows, ("train", "test", "train", "train"), strict=True))
        return dirty, _across.sided(*zip(rows, ("train", "validation", "test", "train"), strict=True))
