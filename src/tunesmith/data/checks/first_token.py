"""T414: templates that write the token at the start of a text twice, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import chat, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import template_faults
from tunesmith.parts import Case, Fault, RowCheck, Tally

_WHY = {
    "twice": "writes the token that begins a text twice",
    "missing": "leaves out the token that the tokenizer puts before every other text",
}


class FirstToken(RowCheck):
    """Most models were trained with exactly one; with two, or none, texts begin in a way that they have hardly seen."""

    code = "T414"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.beginning)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        kind = next(iter(tally.kinds))
        return Finding(
            self.code,
            "warning" if kind == "twice" else "info",
            f"the chat template {_WHY[kind]} ({plural(tally.count, 'row')})",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix("tunesmith explain T414", "says what to change in the template"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        once = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        twice = "{{ bos_token }}" + once
        return chat(row, template=template(twice, words={"bos_token": "<s>"})), chat(
            row, template=template(once, words={"bos_token": "<s>"})
        )
