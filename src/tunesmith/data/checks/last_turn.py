"""T408: conversations that do not end with the assistant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import chat, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class LastTurn(RowCheck):
    """What comes after the last answer is read and never learnt: often the answer was cut off."""

    code = "T408"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for thread in threads(row, evidence["content"]):
            roles = [turn["role"] for turn in thread.turns]
            if "assistant" not in roles or roles[-1] == "assistant":
                continue
            last = len(roles) - roles[::-1].index("assistant")
            field, cut = thread.paths[last]
            kept = list(row.fields[str(field)])[: int(cut)]
            return Fault(str(roles[-1])[:20], (((field,), kept),))
        return None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        roles = ", ".join(f"{role} {count:,}" for role, count in tally.kinds.most_common(3))
        return Finding(
            self.code,
            "warning",
            f"{rows} with a last turn that is not the assistant's ({roles})",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows},
            review_fix(self.code, f"ends {rows} with the last answer", edits=tally.edits),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        return chat([*row, ("user", "And gears?")], row), chat(row, [("user", "And gears?")])
