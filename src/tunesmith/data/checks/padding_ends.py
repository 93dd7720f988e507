"""T417: bases whose padding token is one that ends a turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import template_faults
from tunesmith.parts import Case, Fault, RowCheck, Tally


class PaddingEnds(RowCheck):
    """A trainer that leaves out padding by its id leaves out the ends of answers; here places are masked, not ids."""

    code = "T417"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.padding)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        token = next(iter(tally.kinds))
        return Finding(
            self.code,
            "info",
            f"the base pads with {token!r}, which also ends a turn; padding is left out by its place here, so ends are "
            "learnt",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix("tunesmith explain T417", "says when another program would not learn them"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        return chat(row, template=template(words={"pad_token": "<|end|>"})), chat(
            row, template=template(words={"pad_token": "<|pad|>"})
        )
