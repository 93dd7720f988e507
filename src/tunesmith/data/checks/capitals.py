"""Q514: texts in capitals or without blanks, where others have neither."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, shown, text_of
from tunesmith.data.checks._shares import Share
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check, Fault

KNOWN = 20
FEW = 0.2  # share from which it is the style of the file
LETTERS = 12  # a text in capitals needs as many
LONG = 40  # characters of a text without a blank
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{3,2000}")
_KINDS = {"capitals": "in capitals", "blanks": "without a blank"}


class Capitals(Check):
    """A tokenizer writes them in other and more tokens than the rest, so that little is carried over."""

    code = "Q514"

    def start(self) -> Share:
        return Share()

    def update(self, state: Share, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Share:
        return state.seen(rows, lambda row: _odd(text_of(row, evidence)))

    def merge(self, first: Share, second: Share) -> Share:
        return first.joined(second)

    def findings(self, state: Share) -> list[Finding]:
        odd = state.odd
        if not odd.count or state.able < KNOWN or state.share > FEW:
            return []
        kinds = " and ".join(
            f"{odd.kinds[kind]:,} {said}" for kind, said in _KINDS.items() if odd.kinds[kind]
        )
        message = f"{plural(odd.count, 'row')} unlike the others: {kinds}"
        fix = Fix("tunesmith explain Q514", "says when it matters and what to do")
        return [
            Finding(self.code, "info", message, odd.count, shown(odd.places), {"share": state.share}, fix)
        ]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i} that I ordered", f"depot {i % 2}") for i in range(KNOWN)]
        dirty = labelled(
            *rows, ("WHERE IS MY PARCEL", "depot 1"), ("whereismyparcelthatiorderedonmondaymorning", "x")
        )
        return dirty, labelled(
            *rows, ("ASAP!", "depot 1"), ("https://example.org/parcels/where/is/my/parcel/1", "x")
        )


def _odd(text: str) -> Fault | bool | None:
    """What is odd; None where the text is too short, or in a script without capitals or blanks."""
    if len(text) < LETTERS:
        return None
    if text.isupper() and sum(map(str.isalpha, text)) >= LETTERS:
        return Fault("capitals")
    if len(text) < LONG or " " in text:
        return False
    latin = text.isascii() and len(text.split(None, 1)) == 1 and not _ADDRESS.match(text)
    return Fault("blanks") if latin and 5 * sum(map(str.isalpha, text)) > 4 * len(text) else False
