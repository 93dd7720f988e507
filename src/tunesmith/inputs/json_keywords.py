"""Which words of JSON Schema a forced answer can keep: every other one is refused, none is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.errors import DataError

MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions"))  # name → schema
LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
SINGLE = frozenset(("items", "additionalProperties"))
_DEEPEST = 100  # steps of a JSON Pointer
_VALUES = frozenset(("type", "enum", "const", "$ref", "required", "pattern", "format", "multipleOf"))
_SIZES = frozenset(("minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength"))
_LIMITS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
# these say something to readers and nothing about what is valid
_REMARKS = frozenset(("title", "description", "$comment", "default", "examples", "deprecated"))
_ORIGINS = frozenset(("$schema", "$id", "readOnly", "writeOnly"))
_KEPT = MAPS | LISTS | SINGLE | _VALUES | _SIZES | _LIMITS
_KNOWN = _KEPT | _REMARKS | _ORIGINS


def check(schema: Any) -> None:
    """Raises DataError V131 at the first word that could not be kept, with its JSON Pointer."""
    if not isinstance(schema, Mapping):
        raise refused("#", "the schema is no object", 'an object such as {"type": "object"}')
    for place, part in parts(schema):
        _check_names(place, part)


def parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A schema and every one within it, each with its JSON Pointer.  Raises DataError V131 for an unknown word."""
    waiting: list[tuple[str, Any]] = [("#", schema)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, bool):
            continue
        if place.count("/") > _DEEPEST:
            raise refused(place, "the schema is nested too deep", f"at most {_DEEPEST} levels")
        if not isinstance(part, Mapping):
            raise refused(place, "this is no schema", "an object, true or false")
        yield place, part
        for word, value in part.items():
            waiting += _inside(f"{place}/{_escaped(word)}", word, value)


def _inside(place: str, word: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The schemas within one word's value."""
    if word not in _KNOWN:
        raise refused(place, f"'{word}' can't be kept", f"one of {', '.join(sorted(_KEPT))}")
    if word in MAPS:
        if not isinstance(value, Mapping):
            raise refused(place, f"'{word}' is no object", "names, each with a schema")
        yield from ((f"{place}/{_escaped(name)}", part) for name, part in value.items())
    elif word in LISTS:
        if not isinstance(value, list):
            raise refused(place, f"'{word}' is no list", "a list of schemas")
        yield from ((f"{place}/{index}", part) for index, part in enumerate(value))
    elif word in SINGLE:
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
