"""L223: preferences whose two answers do not answer the same prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import pairs, said
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

_WHY = {"differ": "the questions differ", "none": "there is no prompt"}


class PromptsDiffer(RowCheck):
    """Where chosen and rejected hold whole conversations, what they share is the prompt: the rest must be answers."""

    code = "L223"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        if not (row.fields.get("chosen") and row.fields.get("rejected")):
            return None
        first = {row.fields[name][0]["role"] for name in ("chosen", "rejected")}
        if first & {"user", "system", "developer"}:
            return Fault("differ")
        return None if row.fields.get("prompt") else Fault("none")

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = "; ".join(f"{_WHY[kind]} ({count:,})" for kind, count in tally.kinds.most_common())
        return Finding(
            self.code,
            "warning",
            f"{rows} whose chosen and rejected answers don't share a prompt: {why}",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows, **{kind: tally.kinds[kind] for kind in _WHY}},
            review_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        yes, no = said("assistant", "Yes, on weekdays."), said("assistant", "No.")
        one, other = said("user", "Do you repair brakes?"), said("user", "Do you repair gears?")
        dirty = {"prompt": [], "chosen": [one, yes], "rejected": [other, no]}
        return pairs(dirty, {"prompt": [], "chosen": [yes], "rejected": [no]}), pairs(
            {"prompt": [one], "chosen": [yes], "rejected": [no]},
            {"prompt": [one], "chosen": [yes, other, no], "rejected": [no]},
        )
