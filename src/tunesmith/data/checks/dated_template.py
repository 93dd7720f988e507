"""T415: templates that write the day on which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import template_faults
from tunesmith.parts import Case, Fault, RowCheck, Tally


class DatedTemplate(RowCheck):
    """The same row is another text tomorrow: a run can't be repeated, and the model learns days that are over."""

    code = "T415"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.dated)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        line = next(iter(tally.kinds))
        return Finding(
            self.code,
            "warning",
            f"the chat template writes the clock's time into every conversation, as in {line!r}",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix(
                "tunesmith data see FILE --base DIR --template FILE.jinja",
                "shows the rows with a template that writes no date",
            ),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        rows = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        dated = "Today is {{ strftime_now('%d %B %Y') }}.\n" + rows
        return chat(row, template=template(dated)), chat(row, template=template(rows))
