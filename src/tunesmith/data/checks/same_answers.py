"""L220: preferences whose chosen and rejected answers are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import normalise, plural, safe_fix
from tunesmith.data.checks._turns import pairs, said
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class SameAnswers(RowCheck):
    """Nothing is preferred to itself: such a pair has no gradient."""

    code = "L220"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        if not (row.fields.get("chosen") and row.fields.get("rejected")):
            return None
        return Fault() if _words(row, "chosen") == _words(row, "rejected") else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        return Finding(
            self.code,
            "warning",
            f"{rows} with a chosen answer that is the rejected one too",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows},
            safe_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        asked = [said("user", "Do you repair brakes?")]
        yes, no = [said("assistant", "Yes, on weekdays.")], [said("assistant", "No.")]
        same = {"prompt": asked, "chosen": yes, "rejected": [said("assistant", "yes, on  weekdays.")]}
        good = {"prompt": asked, "chosen": yes, "rejected": no}
        return pairs(same, good), pairs(good)


def _words(row: Record, field: str) -> list[Any]:
    return [
        (turn["role"], normalise(str(turn["content"])), turn.get("tool_calls")) for turn in row.fields[field]
    ]
