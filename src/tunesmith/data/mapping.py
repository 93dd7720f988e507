"""Finds out which column is which field of the task, and narrows rows to those fields."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunesmith import catalog
from tunesmith.data.source import Source, rows
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.fields import Broken, Field, Record, row_key
from tunesmith.inputs.columns import Column, fitness, look
from tunesmith.parts import Task

LOOKED_AT = 1000
_CLOSE = 0.12
_LIKELY = 0.3


@dataclass(frozen=True)
class Columns:
    """Which column of a file is which field of a task.

    columns: field → column.  confidence: field → 0..1 (1: given by the user).  candidates: field → columns that
    could be it, likeliest first; a group is never taken unasked.  notes: what is done to values, in words.
    """

    columns: Mapping[str, str]
    confidence: Mapping[str, float] = field(default_factory=dict)
    candidates: Mapping[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def infer(source: Source, task: Task, given: Mapping[str, str]) -> Columns:
    """Map columns to the task's fields by their names and the first 1,000 rows.

    given: field → column, as the user says.  Raises DataError M201 (no column fits a required field), M202 (two
    fit about as well), M203 (a given column does not exist); UsageError M204 (no such field, a column given twice).
    """
    _check_given(source, task, given)
    table = look(source.dialect.columns, _first(source))
    scores = {each.name: _scores(each, table) for each in task.fields}
    chosen = {name: column for name, column in given.items() if column}
    confidence = dict.fromkeys(chosen, 1.0)
    for each in task.fields:
        if each.name in chosen or each.role == "group":
            continue
        free = {column: score for column, score in scores[each.name].items() if column not in chosen.values()}
        if each.required or max(free.values(), default=0) > 0.7:
            chosen[each.name], confidence[each.name] = _choose(source, each, free, table)
    return Columns(chosen, confidence, _candidates(scores, chosen), _notes(table, chosen))


def infer_task(source: Source, tasks: Mapping[str, Task], given: Mapping[str, str]) -> tuple[str, Columns]:
    """The task that the file's columns serve best, and how.  Raises what `infer` raises where none fits."""
    fits: dict[str, Columns] = {}
    refusals: list[TunesmithError] = []
    for name, task in tasks.items():
        try:
            fits[name] = infer(source, task, given)
        except (DataError, UsageError) as refusal:
            refusals.append(refusal)
    if not fits:
        raise refusals[0] if refusals else UsageError("M204", "no task is installed", expected="a task")
    best = max(fits, key=lambda name: min(fits[name].confidence.values(), default=0.0))
    return best, fits[best]


def records(source: Source, columns: Columns, task: Task) -> Iterator[Record | Broken]:
    """Every row with the task's fields only, as strings, and its key; a missing value is ''."""
    wanted = [(each.name, columns.columns[each.name]) for each in task.fields if each.name in columns.columns]
    for row in rows(source):
        if isinstance(row, Broken):
            yield row
        else:
            fields = {name: _text(row.fields.get(column)) for name, column in wanted}
            yield Record(fields, row.place, row_key(fields))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, bool)) else str(value)


def _first(source: Source) -> list[Mapping[str, Any]]:
    good = (row.fields for row in rows(source) if isinstance(row, Record))
    return list(itertools.islice(good, LOOKED_AT))


def _scores(each: Field, table: Mapping[str, Column]) -> dict[str, float]:
    """column → how well it fits the field, best first; columns that can't be it are left out."""
    found = {name: fitness(each, column) for name, column in table.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: -found[name]) if found[name] > 0}


def _choose(
    source: Source, each: Field, free: Mapping[str, float], table: Mapping[str, Column]
) -> tuple[str, float]:
    ranked = [(name, score) for name, score in free.items() if score >= _LIKELY]
    if not ranked:
        raise _none(source, each, table)
    rivals = [name for name, score in ranked if score > ranked[0][1] - _CLOSE]
    if len(rivals) > 1:
        raise _several(source, each, rivals)
    margin = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)
    return ranked[0][0], round(min(1.0, ranked[0][1] * (0.8 + 0.4 * min(margin, 0.5))), 2)


def _candidates(scores: Mapping[str, Mapping[str, float]], chosen: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        name: [
            column
            for column, score in found.items()
            if score >= _LIKELY and column not in {v for k, v in chosen.items() if k != name}
        ]
        for name, found in scores.items()
    }


def _notes(table: Mapping[str, Column], chosen: Mapping[str, str]) -> tuple[str, ...]:
    lists = [column for column in chosen.values() if table[column].lists]
    return tuple(f"'{column}' holds lists; their items are joined with line breaks" for column in lists)


def _check_given(source: Source, task: Task, given: Mapping[str, str]) -> None:
    legal = [each.name for each in task.fields]
    for name, column in given.items():
        if name not in legal:
            close = catalog.nearest(name, legal)
            raise UsageError(
                "M204",
                f"the task has no field '{name}'",
                expected=f"one of: {', '.join(legal)}",
                fixes=(f"--{close} '{column}'",) if close else (),
                where=f"data.fields.{name}",
            )
        if column and column not in source.dialect.columns:
            raise _no_column(source, name, column)
    said = [column for column in given.values() if column]
    if twice := next((column for column in said if said.count(column) > 1), None):
        names = " and ".join(name for name, column in given.items() if column == twice)
        raise UsageError(
            "M204",
            f"the column '{twice}' is given for {names}",
            expected="one column for each field",
            where=twice,
        )


def _no_column(source: Source, name: str, column: str) -> DataError:
    close = catalog.nearest(column, list(source.dialect.columns))
    return DataError(
        "M203",
        f"{source.path.name} has no column '{column}'",
        expected=_listed(source),
        fixes=(f"tunesmith up '{source.path}' --{name} '{close}'",)
        if close
        else (f"head -n 1 '{source.path}'",),
        where=f"{source.path}:1",
    )


def _none(source: Source, each: Field, table: Mapping[str, Column]) -> DataError:
    close = next((near for word in each.synonyms if (near := catalog.nearest(word, list(table)))), "")
    why = "; ".join(f"'{name}' {column.says()}" for name, column in list(table.items())[:8])
    return DataError(
        "M201",
        f"no column of {source.path.name} looks like the {each.name} ({why})",
        expected=f"a column for '{each.name}', such as {', '.join(each.synonyms[:4]) or each.name}",
        fixes=(f"tunesmith up '{source.path}' --{each.name} '{close or 'COLUMN'}'",),
        where=f"{source.path}:1",
    )


def _several(source: Source, each: Field, rivals: list[str]) -> DataError:
    names = " and ".join(f"'{name}'" for name in rivals[:4])
    return DataError(
        "M202",
        f"{names} could each be the {each.name}",
        expected=f"you to choose; {_listed(source)}",
        fixes=tuple(f"tunesmith up '{source.path}' --{each.name} '{name}'" for name in rivals[:4]),
        where=f"{source.path}:1",
    )


def _listed(source: Source) -> str:
    names = source.dialect.columns
    return "its columns are: " + ", ".join(names[:40]) + (" …" if len(names) > 40 else "")
