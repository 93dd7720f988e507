"""M212: messages with a role that chat templates do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import chat, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

KNOWN = frozenset({"system", "developer", "user", "assistant", "tool"})
MEANT = {
    **dict.fromkeys(("human", "customer", "prompter", "question"), "user"),
    **dict.fromkeys(("gpt", "bot", "model", "ai", "agent", "chatgpt", "answer"), "assistant"),
    **dict.fromkeys(("function", "observation", "ipython", "tool_response"), "tool"),
}


class UnknownRoles(RowCheck):
    """Templates refuse or drop such a message; the usual other names of the five roles are known."""

    code = "M212"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        edits, kinds = {}, []
        for thread in threads(row, evidence["content"]):
            for turn, path in zip(thread.turns, thread.paths, strict=True):
                role = str(turn["role"])
                if role in KNOWN:
                    continue
                kinds.append(role[:20])
                if meant := _meant(role):
                    edits[(*path, "role")] = meant
        return Fault(kinds[0], tuple(edits.items())) if kinds else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        roles = ", ".join(f"{role!r} {count:,}" for role, count in tally.kinds.most_common(3))
        messages = plural(len(tally.edits), "message")
        return Finding(
            self.code,
            "warning",
            f"{rows} with a role that no chat template knows: {roles}",
            tally.count,
            tuple(tally.places),
            {"roles": len(tally.kinds), "messages": len(tally.edits)},
            review_fix(self.code, f"gives {messages} the usual name of the role", edits=tally.edits)
            if tally.edits
            else None,
        )

    def planted(self) -> tuple[Case, Case]:
        answer = ("assistant", "Yes, on weekdays.")
        return chat([("Human", "Brakes?"), answer], [("moderator", "Hm."), answer]), chat(
            [("user", "Brakes?"), answer]
        )


def _meant(role: str) -> str:
    plain = role.strip().lower()
    return plain if plain in KNOWN else MEANT.get(plain, "")
