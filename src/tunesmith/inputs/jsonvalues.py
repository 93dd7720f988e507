"""Strict JSON objects: what JSON readers elsewhere let pass in silence is refused with a reason."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from tunesmith.inputs.streams import MAX_ROW, Line

_DEPTH = 64
_TOKENS = re.compile(rb'["\\{}\[\],]')
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
    if "\\u" in text or "[" in text or text.count("{") > 1:
        _check(value, 1)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH:
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
        raise BadValue(f"the key {twice!r} stands twice", "keep one of them")
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


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float, parse_constant=_constant)


def elements(fragments: Iterator[Line]) -> Iterator[Line]:
    """The elements of one top-level array, each as a Line that stands where it starts; lines may come in fragments.

    After a torn element the next line whose '{' stands under the first element's begins anew.
    """
    cutter = _Cutter()
    for fragment in fragments:
        yield from cutter.feed(fragment)
    yield from cutter.rest()


class _Cutter:
    """Cuts an array at the commas between its elements."""

    def __init__(self) -> None:
        self.depth = 0
        self.open = self.quoted = self.escaped = self.inside_line = False
        self.pieces: list[bytes] = []
        self.size = 0
        self.begin: Line | None = None
        self.margin: bytes | None = None

    def feed(self, line: Line) -> Iterator[Line]:
        if not self.inside_line and self.depth != 1 and self.margin and line.raw.startswith(self.margin):
            yield from self.rest()
            self.depth, self.open = 1, True
        raw, start = line.raw, 0
        for at, sign in self._signs(raw):
            if sign in b"{[":
                self.depth += 1
                start = start if self.open else at + 1
                self.open = True
            elif self._ends(sign):
                self._add(line, raw[start:at], start)
                yield from self.rest()
                start = at + 1
        if self.open:
            self._add(line, raw[start:], start)
        self.inside_line = not raw.endswith(b"\n")
        self.quoted = self.quoted and self.inside_line  # no JSON string goes over a line end

    def _signs(self, raw: bytes) -> Iterator[tuple[int, bytes]]:
        """Brackets and commas outside of strings."""
        after = 1 if self.escaped else 0
        self.escaped = False
        for token in _TOKENS.finditer(raw, after):
            at, sign = token.start(), token[0]
            if at < after:
                continue
            if sign == b"\\":
                after = at + 2
                self.escaped = after > len(raw)
            elif sign == b'"':
                self.quoted = not self.quoted
            elif not self.quoted:
                yield at, sign

    def _ends(self, sign: bytes) -> bool:
        """Take a comma or a closing bracket; whether an element ends before it."""
        if self.depth == 1 and self.open and sign in b",]":
            self.open = sign == b","
            self.depth = int(self.open)
            return True
        if sign in b"}]":
            self.depth = max(int(self.open), self.depth - 1)
        return False

    def _add(self, line: Line, piece: bytes, start: int) -> None:
        if self.begin is None and piece.strip():
            blank = start + len(piece) - len(piece.lstrip())
            self.begin = Line(line.number, line.byte + blank, b"")
            if self.margin is None and not self.inside_line and not line.raw[:blank].strip():
                margin = line.raw[: blank + 2]  # '{' and the byte after it, so that flat print has no margin
                self.margin = b"" if margin in (b"{\n", b"{\r") else margin
        if self.begin and self.size <= MAX_ROW:
            self.pieces.append(piece)
            self.size += len(piece)

    def rest(self) -> Iterator[Line]:
        """The element gathered so far, if there is one."""
        if self.begin:
            yield self.begin._replace(raw=b"".join(self.pieces).strip())
        self.pieces, self.size, self.begin = [], 0, None
