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
    "cut": "the answer is outside the window",
    "unwritten": "the template does not write the answer",
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
        kind = _unseen(row, evidence) if "template" in evidence else ""
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        base = " --base DIR" if tally.kinds["cut"] or tally.kinds["unwritten"] else ""
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


def _unseen(row: Record, evidence: Mapping[str, Any]) -> str:
    """Why no conversation of the row has a learnt token inside the window, '' where one has; a row that the template
    refuses is T406's."""
    rules, shown = evidence["template"], seen(row, evidence)
    if rules.encode is None or any(each.refusal for each in shown):
        return ""
    if not any(each.learnt for each in shown):
        return "unwritten"
    lost = [each.lost(rules.window, rules.truncation) for each in shown if each.learnt]
    return "cut" if all(each == "all" for each in lost) else ""
