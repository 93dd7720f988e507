"""Asks, on a terminal, which column is meant where two could be; elsewhere that stays an error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from tunesmith.cli.console import one_line, tell
from tunesmith.errors import DataError

AMBIGUOUS = "M202"


def answered(begin: Callable[[dict[str, str]], Any], fields: dict[str, str], as_json: bool) -> Any:
    """Begin with the columns that are known; on a terminal ask for what is ambiguous, and begin again."""
    known = dict(fields)
    while True:
        try:
            return begin(known)
        except DataError as error:
            field = re.search(r"could each be the (\w+)$", error.found)
            if error.code != AMBIGUOUS or not field or as_json or not _terminal():
                raise
            known[field[1]] = choose(error, field[1])


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def choose(error: DataError, field: str) -> str:
    """The column that the user names, by its number or its name; the error itself where no answer comes."""
    columns, likely, example = _columns(error, field)
    tell(f"{error.found}; which one?")
    for number, column in enumerate(columns, 1):
        mark = "" if column in likely else "   (less likely)"
        tell(f"  {number}  {one_line(column, 40)}   {one_line(example.get(column, ''), 60)}{mark}")
    while True:
        sys.stderr.write(f"{field} column [1]: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise error
        answer = line.strip() or "1"
        if answer in columns:
            return answer
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(columns):
            return columns[int(answer) - 1]
        tell(f"a number from 1 to {len(columns)}, or a column's name")


def _columns(error: DataError, field: str) -> tuple[list[str], list[str], dict[str, str]]:
    """(all columns, likely ones first; the likely ones; a value of each)."""
    from tunesmith.data import source
    from tunesmith.fields import Record

    found = source.sniff(error.where.rpartition(":")[0])
    names = list(found.dialect.columns)
    offered = {fix.partition(f" --{field} ")[2] for fix in error.fixes}
    likely = [name for name in names if f"'{name}'" in offered]
    first = next((row for row in source.rows(found) if isinstance(row, Record)), None)
    example = {name: str(value) for name, value in first.fields.items()} if first else {}
    return [*likely, *(name for name in names if name not in likely)], likely, example
