"""M214: calls of tools that the row does not declare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import calls, dialogs, said, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class UndeclaredTools(RowCheck):
    """The model would learn to call what it was not told of: at use it calls tools that don't exist."""

    code = "M214"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        called = {
            str(call.get("name"))
            for thread in threads(row, evidence["content"])
            for turn in thread.turns
            if turn.get("tool_calls")
            for call in calls(turn)
        }
        if not called:
            return None
        declared = _names(row.fields.get("tools"))
        if not declared:
            return Fault("none")
        return Fault("other") if called - declared else None

    def finding(self, tally: Tally) -> Finding:
        rows, none = plural(tally.count, "row"), tally.kinds["none"]
        return Finding(
            self.code,
            "warning",
            f"{rows} with a call of a tool that the row does not declare ({none:,} declare no tool at all)",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows, "none": none, "other": tally.kinds["other"]},
            review_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        call = {"type": "function", "function": {"name": "price", "arguments": "{}"}}
        row = {"messages": [said("user", "What is it?"), said("assistant", "", tool_calls=[call])]}
        tools = [{"type": "function", "function": {"name": "price"}}]
        plain = {"messages": [said("user", "Hello"), said("assistant", "Hello.")]}
        dirty = dialogs({**row, "tools": [{"name": "stock"}]}, row, plain)
        return dirty, dialogs(
            {**row, "tools": tools}, {**row, "tools": json.dumps([{"name": "price"}])}, plain
        )


def _names(tools: Any) -> set[str]:
    """The names that a row declares, as functions or bare."""
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError):
            return set()
    found = tools if isinstance(tools, list) else [tools]
    functions = [each.get("function", each) for each in found if isinstance(each, Mapping)]
    return {str(each["name"]) for each in functions if isinstance(each, Mapping) and "name" in each}
