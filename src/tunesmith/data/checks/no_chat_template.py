"""T409: bases without a chat template of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally


class NoChatTemplate(RowCheck):
    """The base was trained on plain texts: turns are written a line each, and the base's end token after answers."""

    code = "T409"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return None if evidence["template"].program else Fault(evidence["template"].name)

    def finding(self, tally: Tally) -> Finding:
        base = next(iter(tally.kinds))
        return Finding(
            self.code,
            "info",
            f"the base '{base}' has no chat template: turns are written a line each, without names of roles",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix("tunesmith data see FILE --base DIR --template FILE.jinja", "tries a template of your own"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        return chat(row, template=template("")), chat(row, template=template())
