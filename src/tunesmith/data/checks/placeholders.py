"""Q511: placeholders that nobody filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.data.checks._texts import damaged
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

MANY = 0.05  # share from which placeholders look like part of the data's design
_BRACES = re.compile(r"\{\{[^{}\n]{1,60}\}\}")
_NAMES = (
    "NAME|COMPANY|DATE|TIME|ADDRESS|EMAIL|PHONE|CITY|COUNTRY|LOCATION|PERSON|ORGANI[SZ]ATION|INSERT|YOUR|NUMBER|TITLE|URL|"
    "LINK|PRODUCT|CUSTOMER|USER|USERNAME|MASK|UNK|PAD|BLANK|PLACEHOLDER|TODO|TBD|REDACTED|AMOUNT|ORDER|ID"
)
_BRACKETS = re.compile(
    rf"(?<!\w)\[(?:(?:[A-Z]{{1,20}}[ _]){{0,3}}(?:{_NAMES})(?:[ _][A-Z0-9]{{1,20}}){{0,3}}|"
    r"(?i:your|insert|enter|name of|add|date of)[ _][^\]\n]{1,40}|(?i:name|date|company name|phone number))\](?!\()"
)
_ANGLES = re.compile(
    r"<(?:unk|pad|mask|blank|name|company|noinput|nooutput|insert[^<>\n]{1,30})>", re.IGNORECASE
)
_OPEN_WORK = re.compile(r"\b(?:TODO|TBD|FIXME)\b(?=[:\]\)(.]|$)")


class Placeholders(RowCheck):
    """Forms to be filled in by a program, or never filled in.  Where there are many they are by design: then it is a
    reminder to fill them in before an answer is shown."""

    code = "Q511"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return damaged(row, evidence, _kind)

    def finding(self, tally: Tally) -> Finding:
        share = tally.count / tally.rows
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in tally.kinds.most_common())
        design = share >= MANY
        message = f"{plural(tally.count, 'row')} with placeholders: {kinds}"
        message += "; so many look meant: whoever shows the answers must fill them in" if design else ""
        fix = review_fix(self.code, "leaves these rows out; better: fill the placeholders in", tally.ids)
        severity = "info" if design else "warning"
        return Finding(self.code, severity, message, tally.count, tuple(tally.places), {"share": share}, fix)

    def planted(self) -> tuple[Case, Case]:
        dirty = labelled(
            ("cancel order {{Order Number}}", "order"), ("Dear [NAME], hello", "card"), ("<unk> is", "x")
        )
        return dirty, labelled(
            ("cancel [this] order {1}", "order"), ("an array a[i] and [A]", "card"), ("a<b>c", "x")
        )


def _kind(text: str) -> str:
    if "{{" in text and _BRACES.search(text):
        return "{{…}}"
    if "[" in text and _BRACKETS.search(text):
        return "[…]"
    if "<" in text and _ANGLES.search(text):
        return "<…>"
    if ("TODO" in text or "TBD" in text or "FIXME" in text) and _OPEN_WORK.search(text):
        return "TODO"
    return "lorem ipsum" if "orem ipsum" in text else ""
