"""Splits delimited text into rows, and finds the next good row after a broken one.

A row that spans lines is believed when it closes with the header's number of columns.  Otherwise it is broken,
and reading goes on at the next line that starts a row of its own; the lines before that one are listed as
swallowed.  Two cases can't be told apart by form alone, so a rule decides:

* The quote closes and the count is right, but the lines between look like rows.  The row swallowed others when at
  least two lines lie between, three quarters of them are rows by themselves, and so is the last line; or when at
  least ten lie between and nine tenths of them are rows.  Where a column of the table is known to repeat its values
  (a label), a line is a row only with a value that was seen there: commas in a letter do not make it a table.
  A row without such a value also swallowed others when at its last line a row starts that has one.
* The quote closes and the count is wrong.  The row owns its lines unless at half of them a sound row starts.

Time is linear: a line that opens a quote holds an odd run of quotes, which closes a quote that is open before it, so
each line is looked at a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tunesmith.fields import Broken
from tunesmith.findings import Place
from tunesmith.inputs.quoting import BAD, DONE, OPEN, Form, Row
from tunesmith.inputs.streams import MAX_ROW, Line

MAX_LINES = 100_000
_LEARNT = 1000


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
        self._known: list[set[str]] = []
        self._learnt = 0

    def learn(self, fields: list[str]) -> None:
        """Remember the values of the first good rows: what comes back in a column tells a row from prose."""
        if self._learnt < _LEARNT:
            self._learnt += 1
            self._known = self._known or [set() for _ in fields]
            for values, value in zip(self._known, fields, strict=True):
                values.add(value)

    def resembles(self, fields: list[str]) -> bool:
        """Whether a value is known in a column whose values come back; True while no column is known to."""
        if self._learnt < 20:
            return True
        classes = [k for k, values in enumerate(self._known) if 2 * len(values) <= self._learnt]
        return not classes or any(fields[k] in self._known[k] for k in classes)

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
                ahead.learn(fields)
                yield line, fields
            continue
        row = _read(ahead, 0, form)
        if not row.problem:
            ahead.skip(row.lines)
            ahead.learn(row.fields)
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


def _read(ahead: _Ahead, index: int, form: Form, most: int = MAX_LINES, doubt: bool = True) -> _Try:
    """Read the row that starts `index` lines ahead, over at most `most` lines.  doubt: look for swallowed rows."""
    row, parser, size, state = _Try(lines=0), Row(form), 0, OPEN
    while state == OPEN:
        line = ahead.peek(index + row.lines)
        if line is None or row.lines >= most:
            return _failed(row, "a quote is opened and never closed", 'close the quote with "')
        row.lines += 1
        size += len(line.raw)
        if size > MAX_ROW:
            return _failed(
                row, f"the row is longer than {MAX_ROW // 1_000_000} MB", "shorten it or close its quote"
            )
        state = parser.feed(*_decode(line, form, row))
        if state == OPEN and form.columns and len(parser.fields) > form.columns + 2:
            break
    row.fields = parser.fields
    row = _judge(row, state, form)
    if doubt and not row.problem and form.columns > 1 and _ate_rows(row, ahead, index, form):
        return _failed(
            row, "a quote is closed only after lines that are rows themselves", 'close the quote with "'
        )
    return row


def _failed(row: _Try, problem: str, fix: str) -> _Try:
    row.problem, row.fix = problem, row.fix or fix
    return row


def _judge(row: _Try, state: int, form: Form) -> _Try:
    if state == BAD:
        return _failed(row, "text follows a closing quote", 'write a quote inside a field as ""')
    row.closed = state == DONE
    if form.columns in (0, len(row.fields)) and row.closed:
        return row
    few = len(row.fields) < form.columns
    fix = "add the missing one" if few else f'put quotes (") around a field that holds {form.delimiter!r}'
    return _failed(row, f"{_columns(len(row.fields))} where the header has {form.columns}", fix)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _ate_rows(row: _Try, ahead: _Ahead, index: int, form: Form) -> bool:
    last, between = index + row.lines - 1, row.lines - 2
    if between >= 0 and not ahead.resembles(row.fields):
        other = _read(ahead, last, form, doubt=False)
        return not other.problem and ahead.resembles(other.fields)
    if between < 2:
        return False
    share = sum(_is_row(ahead, index + k, form) for k in range(1, row.lines - 1)) / between
    if between >= 10 and share >= 0.9:
        return True
    return share >= 0.75 and _is_row(ahead, last, form)


def _is_row(ahead: _Ahead, index: int, form: Form) -> bool:
    """Whether a line is, by itself, a row with the right number of columns that resembles those before."""
    row = _read(ahead, index, form, most=1)
    return not row.problem and ahead.resembles(row.fields)


def _swallowed(ahead: _Ahead, row: _Try, form: Form) -> int:
    """How many lines the broken row at the head takes with it."""
    rest = row.lines - 1
    if rest and row.closed and len(row.fields) != form.columns:
        rows = sum(not _read(ahead, k, form).problem for k in range(1, row.lines))
        if 2 * rows < rest:
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
