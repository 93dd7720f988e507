"""T404: rows of which no token is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import blank, chat, seen, template, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally

_WHY = {
    "silent": "the assistant says nothing",
    "muted": "every answer has weight 0",
    "cut": "the window ends before the answer",
}


class NothingToLearn(RowCheck):
    """Such rows cost time and teach nothing; without the template only what the row itself tells is judged."""

    code = "T404"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        found = threads(row, evidence["content"])
        spoken = [
            turn for each in found for turn in each.turns if turn["role"] == "assistant" and not blank(turn)
        ]
        if not spoken:
            return Fault("silent")
        if all(turn.get("weight") == 0 for turn in spoken):
            return Fault("muted")
        return Fault("cut") if "template" in evidence and _cut(row, evidence) else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        base = " --base DIR" if tally.kinds["cut"] else ""
        why = "; ".join(f"{_WHY[kind]} in {count:,}" for kind, count in tally.kinds.most_common())
        return Finding(
            self.code,
            "error" if tally.count == tally.rows else "warning",
            f"{rows} without a token to learn from: {why}",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows, **{kind: tally.kinds[kind] for kind in _WHY}},
            Fix(f"tunesmith data fix FILE T404{base}", f"drops {rows}", drops=tuple(tally.ids)),
        )

    def planted(self) -> tuple[Case, Case]:
        asked, answer = ("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")
        dirty = chat(
            [asked, answer], [asked], [("user", "brakes? " * 9), answer], template=template(window=60)
        )
        return dirty, chat([asked, answer], template=template(window=60))


def _cut(row: Record, evidence: Mapping[str, Any]) -> bool:
    """Whether none of the row's conversations has a learnt token inside the window."""
    window = evidence["template"].window
    learnt = [each.learnt for each in seen(row, evidence) if each.learnt]
    return bool(window and learnt) and all(first >= window for first, _ in learnt)
