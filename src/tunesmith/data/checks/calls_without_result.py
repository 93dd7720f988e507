"""M211: tool calls that nothing answers, and results that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import dialogs, said, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

_WHY = {"call": "a call without a result", "result": "a result without a call"}


class CallsWithoutResult(RowCheck):
    """The model learns to make up what the tool would have said.  A call that ends the row is its answer."""

    code = "M211"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kinds = (_loose(thread.turns) for thread in threads(row, evidence["content"]))
        kind = next(filter(None, kinds), "")
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = "; ".join(f"{_WHY[kind]} ({count:,})" for kind, count in tally.kinds.most_common())
        return Finding(
            self.code,
            "warning",
            f"{rows} with tool calls and results that don't fit: {why}",
            tally.count,
            tuple(tally.places),
            {kind: tally.kinds[kind] for kind in _WHY},
            review_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        asked, answer = said("user", "What does a tyre cost?"), said("assistant", "25 euros.")
        call = said("assistant", "", tool_calls=[{"function": {"name": "price", "arguments": "{}"}}])
        dirty = dialogs(
            {"messages": [asked, call, asked, answer]}, {"messages": [asked, said("tool", "25"), answer]}
        )
        whole = {"messages": [asked, call, said("tool", "25"), answer]}
        return dirty, dialogs(whole, {"messages": [asked, call]}, {"messages": [asked, answer]})


def _loose(turns: list[Mapping[str, Any]]) -> str:
    """What does not fit: 'call', 'result' or ''."""
    open_calls = 0
    asked = False
    for turn in turns:
        if turn["role"] == "tool":
            if not asked:
                return "result"
            open_calls = max(0, open_calls - 1)
        else:
            if open_calls:
                return "call"
            open_calls = len(turn.get("tool_calls") or ())
            asked = bool(open_calls)
    return ""
