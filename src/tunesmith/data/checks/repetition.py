"""Q509: texts that say one thing over and over, or nothing that can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix, text_of
from tunesmith.data.checks._texts import answer_of
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

LOOKED_AT = 240  # characters at the end of a text: a model that gets into a loop stays there
WORDS = 24  # a text of fewer words may repeat itself
DIFFERENT = 0.22  # share of different words under which one phrase fills the text
LETTERS = 40  # characters without which a text of few letters says nothing
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxz]{9}", re.IGNORECASE)
_SAID = {
    "repeated": "that repeat one phrase",
    "few letters": "of a few letters again and again",
    "keys": "of keys struck at random",
}


class Repetition(RowCheck):
    """A loop of the model that wrote it, a filled-in blank, or keys struck at random."""

    code = "Q509"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        kind = _kind(text_of(row, evidence)) or _kind(answer_of(row, evidence) or "")
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        kinds = ", ".join(f"{count:,} {_SAID[kind]}" for kind, count in sorted(tally.kinds.items()))
        message = f"{plural(tally.count, 'row')} with a text that can't be what somebody meant: {kinds}"
        fix = review_fix(self.code, "leaves these rows out", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        row = ("my card is lost and I would like to know what I have to do to get a new one", "card")
        dirty = labelled(
            row, ("the card is " * 12, "card"), ("ha" * 40, "card"), ("sdkfjhgsdkjfhg wqrtpsdfg", "card")
        )
        return dirty, labelled(
            row, ("no no no, not again", "card"), ("ha" * 5, "card"), ("Angstschweiß", "card")
        )


def _kind(text: str) -> str:
    end = text[-LOOKED_AT:]
    words = end.split()
    if len(words) >= WORDS:
        return "repeated" if len(set(words)) < DIFFERENT * len(words) and _worded(end) else ""
    if len(end) >= LETTERS and len(set(end)) < 7 and _worded(end):
        return "few letters"
    return "keys" if words and len(end) < 200 and _struck(words) else ""


def _worded(text: str) -> bool:
    """Whether it is mostly letters: tables, lines of signs and numbers repeat by nature."""
    return 2 * sum(map(str.isalpha, text)) > len(text)


def _struck(words: list[str]) -> bool:
    hits = [word for word in words if len(word) > 8 and _CLUSTER.search(word)]
    return 2 * len(hits) > len(words) and all(word.isalpha() and not word.isupper() for word in hits)
