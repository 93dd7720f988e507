"""Q502: rows whose text is very short or holds no letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, review_fix, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

SHORT = 3  # characters under which a text in Latin letters says next to nothing
_SAYS_ENOUGH = frozenset(("turns", "tags", "spans"))


class TinyText(RowCheck):
    """Such rows stay: "no" may be an answer.  Empty texts are Q501.

    Of a conversation, or where passages are marked, a number by itself says what is asked: these are not looked at.
    """

    code = "Q502"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        if evidence["content"].offers & _SAYS_ENOUGH:
            return None
        return Fault() if _tiny(normalise(text_of(row, evidence))) else None

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with a text under {SHORT} characters or without a letter"
        fix = review_fix(self.code, "leaves these rows out, if their texts say nothing", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        first = ("my card is lost", "card")
        dirty = labelled(first, ("ok", "order"), ("12 / 34", "card"))
        return dirty, labelled(first, ("okay", "order"), ("退款", "card"), ("", "card"))


def _tiny(text: str) -> bool:
    if not text:
        return False
    return (len(text) < SHORT and text.isascii()) or not any(map(str.isalpha, text))
