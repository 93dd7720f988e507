"""The audit's queue as a CSV sheet for people without a terminal, and the sheet with their answers read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith.data import label_sets
from tunesmith.data.audit import Answer, Item, Verdict
from tunesmith.data.checks._rows import label_form
from tunesmith.errors import DataError

COLUMNS = ("row", "part", "text", "label", "suggested", "answer")
ACCEPT, SKIP = "ok", "?"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


def written(items: Sequence[Item], given: Mapping[str, Answer]) -> bytes:
    """The sheet: one row for each item; `answer` is 'ok', '?' (can't tell), the right label, or empty (not judged)."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in items:
        suggested = item.likely[0] if item.likely and item.times > 1 else ""
        cells = (item.row, item.part, *map(_plain, (item.text, item.label, suggested)))
        writer.writerow((*cells, _cell(given.get(item.row))))
    return ("\ufeff" + sheet.getvalue()).encode("utf-8", "backslashreplace")


def _plain(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text


def _cell(answer: Answer | None) -> str:
    if answer is None:
        return ""
    return {"accept": ACCEPT, "skip": SKIP}.get(answer.verdict, _plain(answer.label))


def read(
    path: Path, items: Sequence[Item], classes: Sequence[str], who: str, at: str, *, several: bool = False
) -> list[Answer]:
    """The answers of a sheet; rows without one are passed over.

    several: an answer is any number of the classes, with ';' between.
    Raises DataError L216 with file:line for a row that the queue does not know, for one that stands there twice, for a
    label that is none of the classes, and where a column is missing.
    """
    known = {item.row: item for item in items}
    labels = {label_form(label): label for label in classes}
    found: dict[str, Answer] = {}
    for line, row, said in _rows(path):
        if row not in known:
            raise _wrong(path, line, f"the queue has no row '{row[:80]}'", "a row as --export wrote it")
        if row in found:
            raise _wrong(path, line, f"the row '{row}' stands there twice", "one answer for each row")
        if said:
            found[row] = _answer(path, line, known[row], said, labels, several, who, at)
    return list(found.values())


def _rows(path: Path) -> list[tuple[int, str, str]]:
    """(line, row, answer) of each row of the sheet."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, 1, "the sheet is not UTF-8", "save it as 'CSV UTF-8'") from None
    delimiter = ";" if ";" in text.partition("\n")[0] else ","  # what spreadsheets write in much of Europe
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip().lower() for name in next(reader, [])]
    if lacking := [name for name in ("row", "answer") if name not in header]:
        raise _wrong(path, 1, f"the sheet has no column '{lacking[0]}'", f"the columns {', '.join(COLUMNS)}")
    row, answer = header.index("row"), header.index("answer")
    found, line = [], reader.line_num + 1
    try:
        for cells in reader:
            if any(cells):
                padded = [*cells, *[""] * (len(header) - len(cells))]
                found.append((line, padded[row].strip(), padded[answer].strip()))
            line = reader.line_num + 1
    except csv.Error as broken:
        raise _wrong(path, line, f"the sheet can't be read: {broken}", "a CSV file") from None
    return found


def _answer(
    path: Path,
    line: int,
    item: Item,
    said: str,
    labels: Mapping[str, str],
    several: bool,
    who: str,
    at: str,
) -> Answer:
    if said == SKIP:
        return Answer(who, item.row, "skip", "", at)
    bare = said[1:] if said.startswith("'") and said[1:].startswith(_FORMULA) else said
    read_label = label_sets.parsed(bare, labels) if several else labels.get(label_form(bare))
    label = item.label if said.lower() == ACCEPT else read_label
    if label is None:
        few = ", ".join(list(labels.values())[:12]) + (" …" if len(labels) > 12 else "")
        raise _wrong(
            path, line, f"'{said[:80]}' is none of the labels", f"{ACCEPT}, {SKIP}, or one of: {few}"
        )
    verdict: Verdict = "accept" if label == item.label else "relabel"
    return Answer(who, item.row, verdict, label, at)


def _wrong(path: Path, line: int, found: str, expected: str) -> DataError:
    return DataError(
        "L216",
        found,
        expected=expected,
        fixes=(f"correct line {line} of {path.name} and import it again",),
        where=f"{path}:{line}",
    )
