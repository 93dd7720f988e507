"""T412: templates that ask for an answer otherwise than they teach it."""

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
    "none": "does not open the assistant's turn when it asks for an answer",
    "differs": "asks for an answer with another text than the one that stands before answers in training",
}


class PromptDiffers(RowCheck):
    """A model continues what it is given: asked in a way that it was not taught, it answers worse or not at all."""

    code = "T412"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = evidence["template"].once(template_faults.prompt)
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        kind = next(iter(tally.kinds))
        return Finding(
            self.code,
            "warning",
            f"the chat template {_WHY[kind]} ({plural(tally.count, 'row')})",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count},
            Fix(
                "tunesmith data see FILE --base DIR",
                "shows what is taught: with add_generation_prompt the template ends with what stands before answers",
            ),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        asks = (
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
            "{% if add_generation_prompt %}<|assistant|>{% endif %}"
        )
        mute = asks.replace("<|assistant|>", "")
        return chat(row, template=template(mute)), chat(row, template=template(asks))
