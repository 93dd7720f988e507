"""What the checks for personal data share: each looks for its group among the kinds that one scan of a row found."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, final

from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs import personal
from tunesmith.parts import Case, Fault, RowCheck, Tally


class PersonalCheck(RowCheck, ABC):
    """Rows are counted and placed; the values themselves are never shown.

    group: of `personal.GROUPS`.  what: the values in words, as in "3 rows with …".
    """

    needs = frozenset({"personal"})
    group: ClassVar[str]
    what: ClassVar[str]

    @final
    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kinds = evidence["personal"][index]
        mine = [kind for kind in kinds if personal.group_of(kind) == self.group] if kinds else ()
        return Fault(min(mine)) if mine else None

    @final
    def finding(self, tally: Tally) -> Finding:
        kinds = sorted(tally.kinds, key=lambda kind: (-tally.kinds[kind], kind))
        named = f" ({', '.join(kinds[:4])})" if len(kinds) > 1 else ""
        return Finding(
            self.code,
            "warning",
            f"{plural(tally.count, 'row')} with {self.what}{named}",
            tally.count,
            tuple(tally.places),
            {kind: tally.kinds[kind] for kind in kinds},
            redaction(self.group),
        )


def redaction(group: str) -> Fix:
    """The way out of any such finding; it is the owner's to decide."""
    return Fix(
        f"tunesmith data redact FILE --kinds {group}",
        "replaces each value by a pseudonym, the same everywhere",
    )


def found_in(*texts: str) -> Case:
    """A case of texts with what the scan finds in them."""
    case = labelled(*((text, "order") for text in texts))
    return Case(case.rows, {**case.evidence, "personal": personal.kinds(case.rows, case.evidence["content"])})
