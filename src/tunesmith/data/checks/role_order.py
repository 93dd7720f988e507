"""M210: roles in an order that templates and models do not expect."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import chat, threads
from tunesmith.fields import Record, Way
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

_WHY = {
    "system": "a system message that is not the first",
    "first": "the assistant speaks first",
    "twice": "two turns of one role in a row",
}


class RoleOrder(RowCheck):
    """Many templates refuse these, others write them in a way that the model has never seen."""

    code = "M210"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for thread in threads(row, evidence["content"]):
            if kind := _disorder([str(turn["role"]) for turn in thread.turns]):
                names = {path[0] for path in thread.paths}
                edits = _joined(thread.turns, names.pop()) if kind == "twice" and len(names) == 1 else ()
                return Fault(kind, edits)
        return None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = "; ".join(f"{_WHY[kind]} ({count:,})" for kind, count in tally.kinds.most_common())
        joined = plural(len(tally.edits), "row")
        return Finding(
            self.code,
            "warning",
            f"{rows} with roles in an unexpected order: {why}",
            tally.count,
            tuple(tally.places),
            {kind: tally.kinds[kind] for kind in _WHY},
            review_fix(self.code, f"joins turns of one role in {joined}", edits=tally.edits)
            if tally.edits
            else None,
        )

    def planted(self) -> tuple[Case, Case]:
        asked, answer = ("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")
        dirty = chat([asked, ("user", "And gears?"), answer], [answer, asked, answer], [asked, answer])
        return dirty, chat([("system", "Be kind."), ("developer", "Be short."), asked, answer, asked, answer])


def _disorder(roles: list[str]) -> str:
    start = next((at for at, role in enumerate(roles) if role not in ("system", "developer")), len(roles))
    talk = roles[start:]
    if "system" in talk or "developer" in talk:
        return "system"
    if talk[:1] == ["assistant"]:
        return "first"
    twice = any(one == two and one in ("user", "assistant") for one, two in pairwise(talk))
    return "twice" if twice else ""


def _joined(turns: list[Mapping[str, Any]], field: str | int) -> tuple[tuple[Way, Any], ...]:
    """The conversation with neighbours of one role joined by a blank line; turns with calls stay as they are."""
    made: list[dict[str, Any]] = []
    for turn in turns:
        before = made[-1] if made else {}
        mergeable = turn["role"] in ("user", "assistant") and not (
            before.get("tool_calls") or turn.get("tool_calls")
        )
        if before.get("role") == turn["role"] and mergeable:
            made[-1] = {**before, "content": f"{before['content']}\n\n{turn['content']}".strip()}
        else:
            made.append(dict(turn))
    return (((field,), made),) if len(made) < len(turns) else ()
