"""T402: turns of a conversation that say nothing and call nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import blank, chat, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class EmptyTurns(RowCheck):
    """An empty answer is learnt like any other: the model stops before it has begun."""

    code = "T402"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for thread in threads(row, evidence["content"]):
            for turn in thread.turns:
                if blank(turn):
                    return Fault(str(turn["role"])[:20])
        return None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        roles = ", ".join(f"{role} {count:,}" for role, count in tally.kinds.most_common(3))
        return Finding(
            self.code,
            "warning",
            f"{rows} with an empty turn ({roles})",
            tally.count,
            tuple(tally.places),
            {"assistant": tally.kinds["assistant"], "rows": tally.count},
            review_fix(self.code, f"drops {rows}", tally.ids),
        )

    def planted(self) -> tuple[Case, Case]:
        asked = ("user", "Do you repair brakes?")
        dirty = chat([asked, ("assistant", " \n")], [asked, ("assistant", "Yes.")])
        return dirty, chat([asked, ("assistant", "Yes.")])
