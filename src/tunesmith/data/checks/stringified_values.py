"""F027: lists or objects stand in a field as one string."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally

LONGEST = 100_000  # characters up to which a value is parsed
_KINDS = ("text", "category")
_ENDS = {"[": "]", "{": "}"}


class StringifiedValues(RowCheck):
    """A table that was saved through a spreadsheet: '["a", "b"]' is read as a text, brackets and all.

    Targets that are texts are left alone: to answer in JSON may be what is learnt.
    """

    code = "F027"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for field in evidence["content"].fields:
            if field.kind in _KINDS and (field.role == "input" or field.kind == "category"):
                value = row.fields.get(field.name)
                if isinstance(value, str) and value[:1] in _ENDS and _structured(value):
                    return Fault(field.name)
        return None

    def finding(self, tally: Tally) -> Finding:
        fields = " and ".join(f"'{name}'" for name in sorted(tally.kinds))
        message = f"{plural(tally.count, 'row')} with a list or an object written as one string in {fields}"
        fix = Fix(
            "tunesmith data check FILE --form FORM",
            "reads the lists as lists, where a form has them (text-multilabel, tokens-tags, messages)",
        )
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        dirty = labelled(("cancel it", "['order', 'card']"), ('{"body": "my card is lost"}', "card"))
        return dirty, labelled(
            ("[1] cancel it, see below", "order"), ("{my card} is lost", "[card]"), ("[]", "x")
        )


def _structured(value: str) -> bool:
    value = value.strip()
    if value[-1:] != _ENDS[value[0]] or len(value) > LONGEST:
        return False
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return False
    return isinstance(parsed, (list, dict)) and bool(parsed)
