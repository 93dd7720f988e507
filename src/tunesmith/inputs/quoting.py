"""Parses one row of delimited text, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass

DONE, OPEN, BAD = range(3)
_INSIDE = re.compile(r'[^"]*+(?:""[^"]*+)*+')
_BLANKS = re.compile(" *")


@dataclass(frozen=True, slots=True)
class Form:
    """How the text is written.  columns: how many a row has; 0: not known yet, any number is right."""

    delimiter: str
    encoding: str
    columns: int = 0
    skip_blanks: bool = False


class Row:
    """Takes the lines of one row, one after the other; `fields` holds what is complete."""

    __slots__ = ("fields", "form", "pieces")

    def __init__(self, form: Form) -> None:
        self.form, self.fields, self.pieces = form, [], []

    def feed(self, text: str, ending: str) -> int:
        """Take a line and its line end: DONE, OPEN (a quote is not closed), BAD (text follows a closing quote)."""
        start = self._quoted(text, 0) if self.pieces else 0
        while start >= 0:
            start = self._field(text, start)
        if self.pieces:
            self.pieces.append(ending)
            return OPEN
        return DONE if start == -1 else BAD

    def _field(self, text: str, start: int) -> int:
        """Take the field at `start`; where the next one starts, -1 at the end of the line, -2 if it is malformed."""
        delimiter = self.form.delimiter
        first = _BLANKS.match(text, start).end() if self.form.skip_blanks else start  # type: ignore[union-attr]
        if text.startswith('"', first):
            return self._quoted(text, first + 1)
        end = text.find(delimiter, start)
        if end < 0:
            self.fields.append(text[first:])
            return -1
        self.fields.append(text[first:end])
        return end + 1

    def _quoted(self, text: str, start: int) -> int:
        end = _INSIDE.match(text, start).end()  # type: ignore[union-attr]
        self.pieces.append(text[start:end])
        if end == len(text):
            return -1
        self.fields.append("".join(self.pieces).replace('""', '"'))
        self.pieces = []
        after = _BLANKS.match(text, end + 1).end()  # type: ignore[union-attr]
        if after == len(text):
            return -1
        return after + 1 if text.startswith(self.form.delimiter, after) else -2
