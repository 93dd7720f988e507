"""Strict JSON objects: what JSON readers elsewhere let pass in silence is refused with a reason."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

_DEPTH = 64
_TOO_DEEP = 1 << 40  # more keys than a row can have
_NESTING = frozenset((dict, list))
_BLANK_COLON = re.compile(r'"\s+:')
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # an escape that may be half of a pair
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class BadValue(Exception):
    """Why a line is no row, and what to do about it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


def parse_object(raw: bytes) -> dict[str, Any]:
    """The object that the bytes hold.

    Raises BadValue for anything that is not exactly one sound object: broken syntax, repeated keys, NaN and
    infinities, lone surrogates, nesting deeper than 64, bytes that are no UTF-8.
    """
    try:
        text = raw.decode("utf-8")
        if (quick := _quick(text)) is not None:
            return quick
        value = _DECODER.decode(text)
    except UnicodeDecodeError as damage:
        found = f"byte 0x{raw[damage.start]:02x} at column {damage.start + 1} is not UTF-8"
        raise BadValue(found, "save the file as UTF-8") from None
    except json.JSONDecodeError as bad:
        fix = "remove the NUL byte" if "\0" in text else "correct the JSON of this line"  # type: ignore[possibly-unbound]
        raise BadValue(f"not JSON: {bad.msg} at column {bad.colno}", fix) from None
    except RecursionError:
        raise BadValue("nested too deeply", f"use at most {_DEPTH} levels") from None
    except ValueError as bad:
        raise BadValue(f"a number that can't be read: {bad}", "write the number with fewer digits") from None
    if not isinstance(value, dict):
        raise BadValue(f"{_kind(value)} where an object is wanted", 'write {"column": value, …}')
    _check(value, 1)
    return value


def _quick(text: str) -> dict[str, Any] | None:
    """The object, where a few searches show that it is sound; None where a closer look is needed."""
    if not text.startswith("{"):
        return None
    value, end = _PLAIN.raw_decode(text)
    if type(value) is not dict or text[end:].strip(" \t\r\n") or ("\\" in text and _HALF.search(text)):
        return None
    keys = len(value) if "[" not in text else _keys(value, 1)
    return value if text.count(":") == keys or _each_key_once(text, value) else None


def _each_key_once(text: str, value: dict[str, Any]) -> bool:
    """Whether as many keys are written as were kept, though strings hold colons: every key ends in `":` unless
    blanks stand before its colon."""
    return not _BLANK_COLON.search(text) and text.count('":') == _keys(value, 1)


def _keys(value: Any, depth: int) -> int:
    """How many keys all objects in a value have together; less than none where it is nested too deeply."""
    if depth > _DEPTH:
        return -_TOO_DEEP
    if type(value) is dict:
        return len(value) + sum([_keys(item, depth + 1) for item in value.values() if type(item) in _NESTING])
    return sum([_keys(item, depth + 1) for item in value if type(item) in _NESTING])


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH and isinstance(value, (dict, list)):
        raise BadValue("nested too deeply", f"use at most {_DEPTH} levels")
    if isinstance(value, str) and _SURROGATE.search(value):
        raise BadValue("half a surrogate pair (\\ud800 to \\udfff)", "write the character itself, in UTF-8")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        same = all(value == found[twice] for name, value in pairs if name == twice)
        raise BadValue(
            f"the key {twice!r} stands twice, with {'equal' if same else 'different'} values",
            "keep one of them",
        )
    return found


def _float(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise BadValue(f"the number {literal[:20]} is too large", "write a number that a computer can hold")
    return value


def _constant(literal: str) -> NoReturn:
    raise BadValue(f"{literal} is not JSON", "write null, or leave the key out")


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")


_PLAIN = json.JSONDecoder(parse_float=_float, parse_constant=_constant)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float, parse_constant=_constant)
