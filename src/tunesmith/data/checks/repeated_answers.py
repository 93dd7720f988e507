"""T418: templates that write an answer more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import template_faults
from tunesmith.parts import Case, Fault, RowCheck, Tally


class RepeatedAnswers(RowCheck):
    """The model reads the answer before it is asked to give it, and learns to copy."""

    code = "T418"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.repeated)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        return Finding(
            self.code,
            "warning",
            f"the chat template writes the assistant's words more than once ({rows})",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix("tunesmith data see FILE --base DIR", "shows rows as the model sees them"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        once = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        return chat(row, template=template(once + "{{ messages[-1].content }}")), chat(
            row, template=template(once)
        )
