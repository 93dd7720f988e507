"""D110: values of the group field that stand on two of the sides that the data gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks import _across
from tunesmith.data.checks._rows import plural, review_fix, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check


class GroupsAcrossSides(Check):
    """What is peculiar to a customer, a thread, an author is learnt in training and rewarded in the proof."""

    code = "D110"
    needs = frozenset({"sides"})

    def start(self) -> _across.State:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for row, side in zip(rows, evidence["sides"].tolist(), strict=True):
            if group := str(row.fields.get("group") or ""):
                _across.add(state, group, side, row.place)
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return _across.merged(first, second)

    def findings(self, state: Any) -> list[Finding]:
        found = _across.shared(state)
        leaving = _across.leaking(found)
        if not leaving:
            return []
        rows, groups = plural(len(leaving), "row"), plural(len(found), "group value")
        message = f"{groups} on more than one side, with {rows} that would leak"
        numbers = {"groups": len(found), "rows": len(leaving)}
        fix = review_fix(
            self.code,
            f"leaves out {rows} of training and validation whose group is held out",
            [p.id for p in leaving],
        )
        return [Finding(self.code, "warning", message, len(leaving), shown(leaving), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [
            {"text": text, "label": "card", "group": group}
            for text, group in (("my card is lost", "ann"), ("cancel it", "bob"), ("no card", "ann"))
        ]
        dirty = _across.sided(*zip(rows, ("train", "validation", "test"), strict=True))
        return dirty, _across.sided(*zip(rows, ("train", "test", "train"), strict=True))
