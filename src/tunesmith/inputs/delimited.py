"""Splits delimited text into rows, and finds the next good row after a broken one.

A row that spans lines is believed when it closes with the header's number of columns.  Otherwise it is broken, and
reading goes on at the next line that starts a row of its own; the lines before that one are listed as swallowed.
Two cases can't be told apart by form alone, so a rule decides:

* The quote closes and the count is right, but the lines between look like rows.  A row swallowed others when at least
  two lines lie between, three quarters of them are rows by themselves, and so is the last line; or when at least ten
  lie between and nine tenths of them are rows.
* The quote closes and the count is wrong.  The row owns its lines unless at least half of them are rows by themselves.

Time is linear: a line that opens a quote holds an odd run of quotes, which closes a quote that is open before it, so
each line is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tunesmith.fields import Broken
from tunesmith.findings import Place
from tunesmith.inputs.streams import MAX_ROW, Line

MAX_LINES = 100_000
_INSIDE = re.compile(r'[^"]*+(?:""[^"]*+)*+')
_BLANKS = re.compile(" *")
_DONE, _OPEN, _BAD = range(3)


@dataclass(frozen=True, slots=True)
class Form:
    """How the text is written.  columns: how many a row has; 0: not known yet, any number is right."""

    delimiter: str
    encoding: str
    columns: int = 0
    skip_blanks: bool = False


class _Row:
    """Parses one row, line by line."""

    __slots__ = ("count", "fields", "form", "pieces")

    def __init__(self, form: Form) -> None:
        self.form, self.fields, self.pieces = form, [], []

    def feed(self, text: str, ending: str) -> int:
        start = self._quoted(text, 0) if self.pieces else 0
        while start >= 0:
            start = self._field(text, start)
        if self.pieces:
            self.pieces.append(ending)
            return _OPEN
        return _DONE if start == -1 else _BAD

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


@dataclass(slots=True)
class _Try:
    """What reading a row from some line on gave.  lines: how many it took.  closed: all its quotes are closed."""

    fields: list[str] = field(default_factory=list)
    lines: int = 1
    closed: bool = False
    problem: str = ""
    fix: str = ""
    bytes_problem: str = ""


class _Ahead:
    """The lines still to come, with as many looked at in advance as a row needs."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines, self._seen, self._head = lines, [], 0

    def peek(self, index: int) -> Line | None:
        while self._head + index >= len(self._seen):
            line = next(self._lines, None)
            if line is None:
                return None
            self._seen.append(line)
        return self._seen[self._head + index]

    def skip(self, count: int) -> None:
        self._head += count
        if self._head >= 64 and self._head * 2 >= len(self._seen):
            del self._seen[: self._head]
            self._head = 0


def split(lines: Iterator[Line], form: Form, source: str) -> Iterator[tuple[Line, list[str]] | Broken]:
    """(first line, fields) of each row with the right number of columns; Broken for the others; blank lines are
    passed over."""
    ahead = _Ahead(lines)
    while (line := ahead.peek(0)) is not None:
        fields = _plain(line, form)
        if fields is not None:
            ahead.skip(1)
            if fields:
                yield line, fields
            continue
        row = _read(ahead, 0, form)
        if not row.problem:
            ahead.skip(row.lines)
            yield _broken(source, line, line.number, row) if row.bytes_problem else (line, row.fields)
            continue
        swallowed = _swallowed(ahead, row, form)
        last = ahead.peek(swallowed - 1)
        ahead.skip(swallowed)
        yield _broken(source, line, last.number if last else line.number, row)


def _plain(line: Line, form: Form) -> list[str] | None:
    """The fast path: the fields of a line without quotes, [] for a blank one, None where a closer look is needed."""
    raw = line.raw
    if b'"' in raw or b"\0" in raw or len(raw) > MAX_ROW:
        return None
    try:
        text = _body(raw.decode(form.encoding))[0]
    except UnicodeDecodeError:
        return None
    if not text or (form.columns > 1 and text.isspace() and form.delimiter not in text):
        return []
    fields = text.split(form.delimiter)
    if form.skip_blanks:
        fields = [value.lstrip(" ") for value in fields]
    return fields if form.columns in (0, len(fields)) else None


def _body(text: str) -> tuple[str, str]:
    body = text[:-1] if text.endswith("\n") else text
    body = body[:-1] if body.endswith("\r") else body
    return body, text[len(body) :]


def _decode(line: Line, form: Form, row: _Try) -> tuple[str, str]:
    try:
        text = line.raw.decode(form.encoding)
    except UnicodeDecodeError as damage:
        text = line.raw.decode(form.encoding, "surrogateescape")
        found = f"byte 0x{line.raw[damage.start]:02x} at {line.byte + damage.start} is not {form.encoding.upper()}"
        row.bytes_problem = row.bytes_problem or found
        row.fix = f"save the file as UTF-8 (iconv -f cp1252 -t utf-8), or correct line {line.number}"
    if "\0" in text:
        row.bytes_problem = row.bytes_problem or f"line {line.number} holds a NUL byte"
        row.fix = row.fix or f"remove the NUL byte from line {line.number}"
    return _body(text)


def _read(ahead: _Ahead, index: int, form: Form, most: int = MAX_LINES) -> _Try:
    """Read the row that starts `index` lines ahead, over at most `most` lines."""
    row, parser, size, state = _Try(lines=0), _Row(form), 0, _OPEN
    while state == _OPEN:
        line = ahead.peek(index + row.lines)
        if line is None or row.lines >= most:
            return _failed(row, "a quote is opened and never closed", 'close the quote with "')
        row.lines += 1
        size += len(line.raw)
        if size > MAX_ROW:
            return _failed(row, f"the row is longer than {MAX_ROW // 1_000_000} MB", "shorten it or close its quote")
        state = parser.feed(*_decode(line, form, row))
        if state == _OPEN and form.columns and len(parser.fields) > form.columns + 2:
            break
    row.fields = parser.fields
    return _judge(row, state, ahead, index, form)


def _failed(row: _Try, problem: str, fix: str) -> _Try:
    row.problem, row.fix = problem, row.fix or fix
    return row


def _judge(row: _Try, state: int, ahead: _Ahead, index: int, form: Form) -> _Try:
    if state == _BAD:
        return _failed(row, "text follows a closing quote", 'write a quote inside a field as ""')
    row.closed = state == _DONE
    if form.columns in (0, len(row.fields)) and row.closed:
        if form.columns > 1 and _ate_rows(row, ahead, index, form):
            return _failed(
                row, "a quote is closed only after lines that are rows themselves", 'close the quote with "'
            )
        return row
    few = len(row.fields) < form.columns
    fix = "add the missing one" if few else f'put quotes (") around a field that holds {form.delimiter!r}'
    return _failed(row, f"{_columns(len(row.fields))} where the header has {form.columns}", fix)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _ate_rows(row: _Try, ahead: _Ahead, index: int, form: Form) -> bool:
    between = row.lines - 2
    if between < 2:
        return False
    share = _rows_alone(ahead, index + 1, between, form) / between
    if between >= 10 and share >= 0.9:
        return True
    return share >= 0.75 and _rows_alone(ahead, index + row.lines - 1, 1, form) == 1


def _rows_alone(ahead: _Ahead, start: int, count: int, form: Form) -> int:
    """How many of some lines are, each by itself, a row with the right number of columns."""
    return sum(not _read(ahead, start + k, form, most=1).problem for k in range(count))


def _swallowed(ahead: _Ahead, row: _Try, form: Form) -> int:
    """How many lines the broken row at the head takes with it."""
    rest = row.lines - 1
    if rest and row.closed and "header has" in row.problem and 2 * _rows_alone(ahead, 1, rest, form) < rest:
        return row.lines
    taken = 1
    while taken < row.lines and _read(ahead, taken, form).problem:
        taken += 1
    return taken


def _broken(source: str, line: Line, last: int, row: _Try) -> Broken:
    reason = "; ".join(filter(None, (row.bytes_problem, row.problem)))
    if last > line.number:
        lines = f"line {last}" if last == line.number + 1 else f"lines {line.number + 1}–{last}"
        reason += f"; it swallowed {lines}"
    raw = line.raw[:800].decode("utf-8", "replace").rstrip("\r\n")[:200]
    return Broken(Place(source, line.number, line.byte), reason, row.fix, raw)
