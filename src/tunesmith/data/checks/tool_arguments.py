"""M213: tool calls whose arguments are no JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import calls, dialogs, said, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class ToolArguments(RowCheck):
    """The model would learn to write calls that no program can read."""

    code = "M213"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for thread in threads(row, evidence["content"]):
            for turn in thread.turns:
                for call in calls(turn) if turn.get("tool_calls") else ():
                    if kind := _wrong(call.get("arguments", {})):
                        return Fault(kind)
        return None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = ", ".join(f"{kind} {count:,}" for kind, count in tally.kinds.most_common())
        return Finding(
            self.code,
            "warning",
            f"{rows} with a tool call whose arguments are no JSON object: {why}",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            review_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        return dialogs(_row("{'of': 'tyre'}"), _row('{"of": "tyre"}')), dialogs(
            _row('{"of": "tyre"}'), _row("")
        )


def _wrong(arguments: Any) -> str:
    """What arguments are instead of an object; '' where they are one, or none at all."""
    if isinstance(arguments, str):
        if not arguments.strip():
            return ""
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return "not JSON"
    return "" if arguments is None or isinstance(arguments, Mapping) else "another kind of JSON"


def _row(arguments: str) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "price", "arguments": arguments}}
    return {"messages": [said("user", "What is it?"), said("assistant", "", tool_calls=[call])]}
