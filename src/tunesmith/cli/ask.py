"""Asks, on a terminal, which column or which form is meant where several could be; elsewhere that stays an error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tunesmith.cli.console import one_line, tell
from tunesmith.errors import DataError

COLUMN, FORM = "M202", "M207"
_FORM = re.compile(r" --form (\S+)")


def answered(begin: Callable[[dict[str, str]], Any], fields: dict[str, str], as_json: bool) -> Any:
    """Begin with the columns that are known; on a terminal ask for what is ambiguous, and begin again."""
    known = dict(fields)
    while True:
        try:
            return begin(known)
        except DataError as error:
            if as_json or not _terminal():
                raise
            more = _more(error, known)
            if more.items() <= known.items():
                raise
            known |= more


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _more(error: DataError, known: dict[str, str]) -> dict[str, str]:
    """The columns that the user's answer tells; none where the error is no question."""
    if error.code == FORM:
        return _read_as(error, choose_form(error), known)
    field = re.search(r"could each be the (\w+)$", error.found)
    return {field[1]: choose(error, field[1])} if error.code == COLUMN and field else {}


def _read_as(error: DataError, form: str, known: dict[str, str]) -> dict[str, str]:
    """The columns of a form that was chosen: no other form has these keys from these columns."""
    from tunesmith.data import mapping, source

    found = source.sniff(_path(error))
    while True:
        try:
            return dict(mapping.read_as(found, form=form, given=known).columns.columns)
        except DataError as open_:
            more = _more(open_, known)
            if not more:
                raise
            known = {**known, **more}


def choose_form(error: DataError) -> str:
    """The form that the user names, by its number or its name; the error itself where no answer comes."""
    names = list(dict.fromkeys(name for fix in error.fixes for name in _FORM.findall(fix)))
    start, _, ways = error.found.partition(" can be read ")
    tell(f"{start} can be read in {len(names)} ways; which one is meant?")
    for number, way in enumerate(re.split(r" or (?=as ')", ways), 1):
        tell(f"  {number}  {one_line(way.removeprefix('as '), 100)}")
    return _answer(error, "form", names, "a form's name")


def choose(error: DataError, field: str) -> str:
    """The column that the user names, by its number or its name; the error itself where no answer comes."""
    columns, likely, example = _columns(error, field)
    tell(f"{error.found}; which one?")
    for number, column in enumerate(columns, 1):
        mark = "" if column in likely else "   (less likely)"
        tell(f"  {number}  {one_line(column, 40)}   {one_line(example.get(column, ''), 60)}{mark}")
    return _answer(error, f"{field} column", columns, "a column's name")


def _answer(error: DataError, what: str, names: Sequence[str], other: str) -> str:
    while True:
        sys.stderr.write(f"{what} [1]: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise error
        answer = line.strip() or "1"
        if answer in names:
            return answer
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        tell(f"a number from 1 to {len(names)}, or {other}")


def _path(error: DataError) -> str:
    return error.where.rpartition(":")[0]


def _columns(error: DataError, field: str) -> tuple[list[str], list[str], dict[str, str]]:
    """(all columns, likely ones first; the likely ones; a value of each)."""
    from tunesmith.data import source
    from tunesmith.fields import Record

    found = source.sniff(_path(error))
    names = list(found.dialect.columns)
    offered = {fix.partition(f" --{field} ")[2] for fix in error.fixes}
    likely = [name for name in names if f"'{name}'" in offered]
    first = next((row for row in source.rows(found) if isinstance(row, Record)), None)
    example = {name: str(value) for name, value in first.fields.items()} if first else {}
    return [*likely, *(name for name in names if name not in likely)], likely, example
