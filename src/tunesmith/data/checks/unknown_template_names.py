"""T416: templates with names that nobody gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import template_faults
from tunesmith.parts import Case, Fault, RowCheck, Tally


class UnknownTemplateNames(RowCheck):
    """Jinja writes nothing in the place of such a name: a missing end token is not noticed until the model goes on."""

    code = "T416"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.unknown_names)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        names = next(iter(tally.kinds))
        return Finding(
            self.code,
            "warning",
            f"the chat template uses names that nobody gives, so nothing is written in their place: {names}",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix("tunesmith explain T416", "says where such names come from"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        given = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}{{ date | default('') }}"
        lost = given.replace("eos_token", "end_token")
        return chat(row, template=template(lost)), chat(row, template=template(given))
