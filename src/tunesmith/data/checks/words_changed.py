"""T413: conversations whose words the template changes or leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import chat, seen, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally


class WordsChanged(RowCheck):
    """What the model learns is not what the row says: blanks are trimmed, thoughts cut out, turns left out."""

    code = "T413"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kinds = {shown.changed for shown in seen(row, evidence)}
        return Fault("changed" if "changed" in kinds else "trimmed") if kinds - {""} else None

    def finding(self, tally: Tally) -> Finding:
        changed, trimmed = tally.kinds["changed"], tally.kinds["trimmed"]
        return Finding(
            self.code,
            "warning" if changed else "info",
            f"the chat template does not write {plural(tally.count, 'row')} as said: in {changed:,} words are changed "
            f"or left out, in {trimmed:,} only blanks around them",
            tally.count,
            tuple(tally.places),
            {"changed": changed, "trimmed": trimmed},
            Fix("tunesmith data see FILE --base DIR", "shows rows as the model sees them"),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays. ")]
        trims = "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<|end|>{% endfor %}"
        return chat(row, template=template(trims)), chat(row, template=template())
