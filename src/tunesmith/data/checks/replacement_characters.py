"""F023: replacement characters: letters that were lost when the text was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class ReplacementCharacters(RowCheck):
    """What stood there can't be known from the file: only the file that it came from has it."""

    code = "F023"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, _lost)

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with letters that were lost (U+FFFD)"
        fix = review_fix(
            self.code, "leaves these rows out; better: export the file again as UTF-8", tally.ids
        )
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel my order", "order")
        return labelled(("un caf\ufffd froid", "card"), other), labelled(("un café froid", "card"), other)


def _lost(text: str) -> bool:
    return "\ufffd" in text
