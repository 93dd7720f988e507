"""Which words of JSON Schema a forced answer can keep: every other one is refused, none is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.errors import DataError

_MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions"))  # name → schema
_LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_SINGLE = frozenset(("items", "additionalProperties"))
_VALUES = frozenset(
    "type enum const required minProperties maxProperties minItems maxItems minLength maxLength pattern format "
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf $ref".split()
)
# these say something to readers and nothing about what is valid
_REMARKS = frozenset(
    "title description default examples deprecated readOnly writeOnly $schema $id $comment".split()
)
KNOWN = _MAPS | _LISTS | _SINGLE | _VALUES | _REMARKS


def check(schema: Any) -> None:
    """Raises DataError V131 at the first word that could not be kept, with its JSON Pointer."""
    if not isinstance(schema, Mapping):
        raise refused("#", "the schema is no object", 'an object such as {"type": "object"}')
    waiting: list[tuple[str, Any]] = [("#", schema)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, bool):
            continue
        if not isinstance(part, Mapping):
            raise refused(place, "this is no schema", "an object, true or false")
        for word, value in part.items():
            waiting += _inside(f"{place}/{_escaped(word)}", word, value)
        _check_names(place, part)


def _inside(place: str, word: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The schemas within one word's value."""
    if word not in KNOWN:
        raise refused(place, f"'{word}' can't be kept", f"one of {', '.join(sorted(KNOWN - _REMARKS))}")
    if word in _MAPS:
        if not isinstance(value, Mapping):
            raise refused(place, f"'{word}' is no object", "names, each with a schema")
        yield from ((f"{place}/{_escaped(name)}", part) for name, part in value.items())
    elif word in _LISTS:
        if not isinstance(value, list):
            raise refused(place, f"'{word}' is no list", "a list of schemas")
        yield from ((f"{place}/{index}", part) for index, part in enumerate(value))
    elif word in _SINGLE:
        yield place, value


def _check_names(place: str, part: Mapping[str, Any]) -> None:
    """A model may write a free name twice, which counts as one: then a least number of names can't be kept."""
    closed = part.get("additionalProperties") is False and not part.get("patternProperties")
    least = part.get("minProperties")
    if isinstance(least, int) and least > 1 and not closed:
        raise refused(
            f"{place}/minProperties",
            "'minProperties' above 1 can't be kept where names are free",
            "\"additionalProperties\": false, or the names in 'required'",
        )


def refused(place: str, found: str, expected: str) -> DataError:
    """The error about a schema; place: a JSON Pointer into it."""
    return DataError(
        "V131",
        found,
        expected=expected,
        fixes=("leave it out, or say it in the prompt",),
        where=f"schema {place}",
    )


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
