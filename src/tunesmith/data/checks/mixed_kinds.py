"""F029: a field that holds several kinds of values, such as numbers among texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import CONTEXT, Record
from tunesmith.findings import SHOWN, Finding, Fix, Place
from tunesmith.parts import Case, Check

MOSTLY = 0.9  # share of one kind from which the others look like slips
_NUMBER = re.compile(r"[-+]?\d{1,30}(?:[.,]\d{1,30}){0,6}(?:[eE][-+]?\d{1,3})?\s?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.{0,12})?")
_FLAGS = frozenset(("true", "false"))
_LONGEST = 40  # of a number, a date or a flag, in characters
_WORDS = {"text": "texts", "number": "numbers", "date": "dates", "flag": "true/false"}

_Seen = tuple[int, list[Place]]


class MixedKinds(Check):
    """A column that slipped, or a table that was glued together.  Inputs are left out: "6" may be what a user wrote,
    and Q502 counts such texts.  State: (field, kind) → (rows, first places)."""

    code = "F029"

    def start(self) -> dict[tuple[str, str], _Seen]:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        fields = (*evidence["content"].fields, *CONTEXT)
        names = [each.name for each in fields if each.role != "input" and each.kind in ("text", "category")]
        for row in rows:
            for name in names:
                if kind := _kind(row.fields.get(name)):
                    count, places = state.get((name, kind), (0, []))
                    state[name, kind] = count + 1, places if len(places) >= SHOWN else [*places, row.place]
        return state

    def merge(self, first: Any, second: Any) -> Any:
        merged = dict(first)
        for key, (count, places) in second.items():
            before, shown = merged.get(key, (0, []))
            merged[key] = before + count, (shown + places)[:SHOWN]
        return merged

    def findings(self, state: Any) -> list[Finding]:
        fields: dict[str, dict[str, _Seen]] = defaultdict(dict)
        for (name, kind), seen in state.items():
            fields[name][kind] = seen
        mixed = [said for name in sorted(fields) if (said := _slips(fields[name], name))]
        if not mixed:
            return []
        message = "; ".join(text for text, _, _ in mixed)
        fix = Fix("tunesmith explain F029", "how such values come about, and what to do")
        places = tuple(place for *_, found in mixed for place in found)[:SHOWN]
        return [Finding(self.code, "warning", message, sum(count for _, count, _ in mixed), places, fix=fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(20)]
        numbers = [(f"where is parcel {i}", str(i % 2)) for i in range(20)]
        return labelled(*rows, ("the last one", "17")), labelled(*numbers, ("2 or 3 parcels", "1"))


def _kind(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    short = value.strip() if len(value) <= _LONGEST else "a text"
    if not any(map(str.isalnum, short[:8])):
        return ""
    if short.isalpha():
        return "flag" if short.lower() in _FLAGS else "text"
    return "number" if _NUMBER.fullmatch(short) else "date" if _DATE.fullmatch(short) else "text"


def _slips(kinds: Mapping[str, _Seen], name: str) -> tuple[str, int, list[Place]] | None:
    """(what to say, rows, places) of the kinds that are few beside the one that most values have."""
    usual = max(sorted(kinds), key=lambda kind: kinds[kind][0])
    rows = sum(count for count, _ in kinds.values())
    few = {kind: seen for kind, seen in sorted(kinds.items()) if kind != usual}
    if not few or kinds[usual][0] < MOSTLY * rows:
        return None
    count = sum(count for count, _ in few.values())
    others = " and ".join(_WORDS[kind] for kind in few)
    text = f"'{name}' holds {others} in {plural(count, 'row')}, and {_WORDS[usual]} in the other {rows - count:,}"
    return text, count, [place for _, places in few.values() for place in places]
