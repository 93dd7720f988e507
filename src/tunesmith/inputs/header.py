"""Finds the delimiter and the header of delimited text from a sample of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from tunesmith.fields import Broken
from tunesmith.inputs.delimited import split
from tunesmith.inputs.quoting import Form
from tunesmith.inputs.streams import Line

DELIMITERS = (",", ";", "\t", "|")
_ROWS = 300
_NUMBER = re.compile(r"[-+]?\d[\d.,:/\s%-]*")
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "text sentence review comment body message description question content utterance instruction title subject "
        "query label labels target class category intent sentiment queue topic answer tag y id date name type value",
    )
)


def sniff_delimiter(lines: Sequence[Line], encoding: str, prior: str = ",") -> tuple[str, bool]:
    """(delimiter, whether blanks after it are skipped): under it most rows have as many columns as the first.

    prior: what is preferred when the rows do not tell; also the answer for a table of one column.
    """
    best: tuple[float, float, int, bool] = (0.0, 0.0, 0, False)
    chosen = prior
    for delimiter in sorted(DELIMITERS, key=lambda one: one != prior):
        skip = _blank_before_quotes(lines, delimiter)
        columns, good, share = _fit(lines, Form(delimiter, encoding, skip_blanks=skip))
        score = (round(share, 2), min(good, 20), columns, skip)
        if columns > 1 and score[:2] > best[:2]:
            best, chosen = score, delimiter
    return chosen, best[3]


def is_table(lines: Sequence[Line], encoding: str) -> bool:
    """Whether text without a telling name is a table: nearly all rows have as many columns as the first, or its one
    line of names is known."""
    delimiter, skip = sniff_delimiter(lines, encoding)
    form = Form(delimiter, encoding, skip_blanks=skip)
    columns, _, share = _fit(lines, form)
    first = first_row(lines, form) or []
    known = any(re.sub(r"[^a-z]+", "", value.lower()) in _WORDS for value in first)
    if columns < 2:
        return known and len(first[0].split()) == 1
    return share >= (0.5 if known and all(len(value.split()) < 4 for value in first) else 0.9)


def _blank_before_quotes(lines: Sequence[Line], delimiter: str) -> bool:
    text = b"".join(line.raw for line in lines[:_ROWS])
    blank, none = (text.count(delimiter.encode() + middle + b'"') for middle in (b" ", b""))
    return blank > none


def _fit(lines: Sequence[Line], form: Form) -> tuple[int, int, float]:
    """(columns of the first row, rows with as many, their share of all rows)."""
    first = first_row(lines, form)
    if first is None or len(first) < 2:
        return 1, 0, 0.0
    sized = Form(form.delimiter, form.encoding, len(first), form.skip_blanks)
    rows = list(itertools.islice(split(iter(lines[: 4 * _ROWS]), sized, ""), _ROWS))
    good = sum(not isinstance(row, Broken) for row in rows)
    return len(first), good, good / max(1, len(rows))


def first_row(lines: Sequence[Line], form: Form) -> list[str] | None:
    """The fields of the first row, or None where it can't be read."""
    row = next(split(iter(lines), form, ""), None)
    return None if row is None or isinstance(row, Broken) else row[1]


def has_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it holds known words, or is of another kind than the rows."""
    words = [re.sub(r"[^a-z]+", "", value.lower()) for value in first]
    if any(word in _WORDS for word in words):
        return True
    if not any(words) or any(len(value) > 64 or _NUMBER.fullmatch(value.strip()) for value in first):
        return False
    votes = sum(_vote(name, [row[k] for row in rows]) for k, name in enumerate(first))
    return votes >= 0


def _vote(name: str, values: Sequence[str]) -> int:
    """+1: `name` differs from the values of its column.  -1: it is like them.  0: they do not tell."""
    if not values:
        return 0
    if name in values:
        return -2
    if sum(bool(_NUMBER.fullmatch(value.strip())) for value in values) > 0.8 * len(values):
        return 1
    middle = sorted(map(len, values))[len(values) // 2]
    if middle > 3 * len(name.strip()):
        return 1
    if len(set(values)) <= len(values) / 2:
        return 1
    return -1 if len(name.split()) > 3 else 0


def column_names(first: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names for the columns and what had to be changed: blanks trimmed, empty and repeated names replaced."""
    notes: dict[str, Any] = {}
    names: list[str] = []
    taken = {value.strip() for value in first}
    for position, value in enumerate(first, start=1):
        name = value.strip().lstrip("\ufeff")
        if value != name:
            notes.setdefault("trimmed_header", []).append(name)
        if not name or name in names:
            name = _free(name or f"column_{position}", taken if name else taken - {""}, names)
            notes.setdefault("renamed_header", []).append(name)
        names.append(name)
    return tuple(names), notes


def _free(name: str, taken: set[str], names: list[str]) -> str:
    if name not in taken and name not in names:
        return name
    return next(new for k in itertools.count(2) if (new := f"{name}_{k}") not in taken and new not in names)
