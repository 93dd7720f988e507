"""Cuts JSON arrays into their elements without parsing these, so that a torn element takes no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tunesmith.inputs.streams import MAX_ROW, Line

_TOKENS = re.compile(rb'["\\{}\[\],]')
_BLANKS = re.compile(r"[ \t\r\n]*")
_OBJECT, _TORN = object(), object()
_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: _OBJECT)  # keeps memory at a word an object


def elements(fragments: Iterator[Line], *, once: bool = False, sound: bool = True) -> Iterator[Line]:
    """The elements of one top-level array, each as a Line that stands where it starts; lines may come in fragments.

    After a torn element the next line whose bracket stands under the first element's begins anew.  once: what follows
    the array's end is left alone; where the text is not sound, that end is a ']' at the start of a line.
    """
    cutter = _Cutter(once, sound)
    for fragment in fragments:
        yield from cutter.feed(fragment)
        if cutter.closed:
            return
    yield from cutter.rest()


def lists_of_objects(text: str) -> tuple[dict[str, int], bool]:
    """({key: where its '[' stands} of the lists of objects in the one object that the text is, whether it is sound).

    Where the text is broken inside of a list, that one is the last.  Empty where the text is no object.
    """
    found: dict[str, int] = {}
    for key, start, value in _members(text):
        if value is _TORN and text.startswith("[", start):
            return found | {key: start}, False
        if isinstance(value, list) and any(each is _OBJECT for each in value):
            found[key] = start
        if value is _TORN:
            return found, False
    return found, True


def _members(text: str) -> Iterator[tuple[str, int, Any]]:
    """(key, where its value starts, the value, in which objects are forgotten) of the object that the text is; the
    last value is _TORN where the text is broken."""
    at, sign = _after_blanks(text, 0), ","
    if not text.startswith("{", at):
        return
    while sign == ",":
        key, at = _value(text, _after_blanks(text, at + 1))
        at = _after_blanks(text, _after_blanks(text, at) + 1)
        value, end = _value(text, at)
        yield str(key), at, value if key is not _TORN else _TORN
        if value is _TORN or key is _TORN:
            return
        at = _after_blanks(text, end)
        sign = text[at : at + 1]
    if sign != "}" or text[at + 1 :].strip():
        yield "", at, _TORN


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return _TORN, at


def _after_blanks(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr]


class _Cutter:
    """Cuts an array at the commas between its elements."""

    def __init__(self, once: bool, sound: bool) -> None:
        self.once, self.sound, self.closed = once, sound, False
        self.depth = 0
        self.open = self.quoted = self.escaped = self.inside_line = False
        self.pieces: list[bytes] = []
        self.size = 0
        self.begin: Line | None = None
        self.margins: tuple[bytes, ...] | None = None
        self.indent = 0

    def feed(self, line: Line) -> Iterator[Line]:
        if self._torn(line.raw):
            yield from self.rest()
            if self.closed:
                return
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
                self.closed = self.once and not self.open and (self.sound or not raw[:at].strip())
                if self.closed:
                    return
        if self.open:
            self._add(line, raw[start:], start)
        self.inside_line = not raw.endswith(b"\n")
        self.quoted = self.quoted and self.inside_line  # no JSON string goes over a line end

    def _torn(self, raw: bytes) -> bool:
        """Whether the element before this line is torn: the line begins another one, or ends the array further left."""
        if self.inside_line or self.depth == 1 or not self.margins:
            return False
        begins = raw.startswith(self.margins)
        if begins:
            self.depth, self.open = 1, True
        left = raw.lstrip()
        ends = self.once and not self.sound and left.startswith(b"]")
        self.closed = ends and len(raw) - len(left) < self.indent
        return begins or self.closed

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
            if self.margins is None and not self.inside_line and not line.raw[:blank].strip():
                self.margins = _margins(line.raw[:blank], line.raw[blank : blank + 2])
                self.indent = blank
        if self.begin and self.size <= MAX_ROW:
            self.pieces.append(piece)
            self.size += len(piece)

    def rest(self) -> Iterator[Line]:
        """The element gathered so far, if there is one."""
        if self.begin:
            yield self.begin._replace(raw=b"".join(self.pieces).strip())
        self.pieces, self.size, self.begin = [], 0, None


def _margins(blanks: bytes, start: bytes) -> tuple[bytes, ...]:
    """What lines start with that begin an element: as the first one does, or, indented as far, with a list.

    With '{' goes the byte after it, so that flat print, where inner objects stand as far left, has no margin.
    A first element that is no object, or torn at once, tells only how far elements are indented.
    """
    whole = start.startswith(b"{") and start != b"{,"
    starts = [start] if whole else [b'{"', b"{\n", b"{\r"]
    if blanks:
        return (*(blanks + each for each in starts), blanks + b"{,", blanks + b"[")
    return tuple(each for each in starts if each not in (b"{\n", b"{\r"))
