"""Dates that exist: the formats `date`, `time` and `date-time` of a JSON Schema as patterns that know leap years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.inputs import json_keywords

# years have four digits and begin with 1 to 9: the year 0000 is none to most programs
_YEAR = "[1-9][0-9]{3}"
_FOURS = "(0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR = f"([1-9][0-9]{_FOURS}|([2468][048]|[13579][26])00)"
_LONG = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
_SHORT = "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_FEBRUARY = "02-(0[1-9]|1[0-9]|2[0-8])"
_DATE = f"({_YEAR}-({_LONG}|{_SHORT}|{_FEBRUARY})|{_LEAP_YEAR}-02-29)"
_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_HOUR}:[0-5][0-9](\.[0-9]{{1,6}})?(Z|[+-]{_HOUR})"
PATTERNS = {"date": f"^{_DATE}$", "time": f"^{_TIME}$", "date-time": f"^{_DATE}T{_TIME}$"}


def spelled_out(part: Any) -> Any:
    """A schema with these formats told as patterns, beside whatever pattern a text must follow already."""
    if not isinstance(part, Mapping):
        return part
    made = {word: _within(word, value) for word, value in part.items()}
    if (form := made.get("format")) in PATTERNS:
        del made["format"]
        made["allOf"] = [*made.get("allOf", ()), {"pattern": PATTERNS[form]}]
    return made


def _within(word: str, value: Any) -> Any:
    if word in json_keywords.MAPS:
        return {name: spelled_out(part) for name, part in value.items()}
    if word in json_keywords.LISTS:
        return [spelled_out(part) for part in value]
    return spelled_out(value) if word in json_keywords.SINGLE else value
