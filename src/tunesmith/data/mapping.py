"""Finds out which form a file has and which column is which of its keys, and reads rows as records of its content."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith import catalog
from tunesmith.data.forms._values import text
from tunesmith.data.source import Source, rows
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.fields import CONTEXT, Broken, Field, Record, row_key
from tunesmith.inputs.columns import Column, fitness, look
from tunesmith.parts import Form

LOOKED_AT = 1000
PARSED = 100  # of these, rows that are parsed to see whether a form fits
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


def infer(source: Source, form: Form, given: Mapping[str, str]) -> Columns:
    """Map columns to the form's keys by their names and the first 1,000 rows.

    given: field → column, as the user says.  Raises DataError M201 (no column fits a required field), M202 (two
    fit about as well), M203 (a given column does not exist); UsageError M204 (no such field, a column given twice).
    """
    wanted = (*form.keys, *CONTEXT)
    _check_given(source, wanted, given)
    table = look(source.dialect.columns, _first(source))
    scores = {each.name: _scores(each, table) for each in wanted}
    chosen = {name: column for name, column in given.items() if column}
    confidence = dict.fromkeys(chosen, 1.0)
    for each in form.keys:
        if each.name in chosen:
            continue
        free = {column: score for column, score in scores[each.name].items() if column not in chosen.values()}
        if each.required or max(free.values(), default=0) > 0.7:
            chosen[each.name], confidence[each.name] = _choose(source, each, free, table)
    return Columns(chosen, confidence, _candidates(scores, chosen), _notes(table, chosen))


@dataclass(frozen=True)
class Reading:
    """How a file is read: its form, and which column is which of the form's keys.  sure: 0..1, 1 where it was given."""

    form: str
    columns: Columns
    sure: float = 1.0


def read_as(
    source: Source, *, form: str = "", given: Mapping[str, str] | None = None, content: str = ""
) -> Reading:
    """The form of a file: the one that is given, or the surest of those that hold the content (any, where it is '').

    Raises what `infer` raises where no form fits; DataError M206 where two fit about as well.
    """
    names = [form] if form else forms_of(content)
    fits: list[Reading] = []
    refusals: list[TunesmithError] = []
    for name in names:
        try:
            fits.append(_reading(source, name, given or {}))
        except (DataError, UsageError) as refusal:
            refusals.append(refusal)
    if not fits:
        raise refusals[0]
    return max(fits, key=lambda each: each.sure)


def forms_of(content: str) -> list[str]:
    """The names of the forms that hold a content; of all, where it is ''."""
    return [name for name, each in catalog.parts("form").items() if content in ("", each.content)]


def _reading(source: Source, name: str, given: Mapping[str, str]) -> Reading:
    part: Form = catalog.part("form", name)()
    columns = infer(source, part, given)
    first = [_narrowed(row, part, columns) for row in _first(source)[:PARSED]]
    whole = sum(_parses(part, row) for row in first) / max(1, len(first))
    if whole < 0.5:
        raise _wrong_form(source, name, part, first)
    return Reading(name, columns, whole * min(columns.confidence.values(), default=0.0))


def _parses(part: Form, row: Mapping[str, Any]) -> bool:
    try:
        return bool(part.parse(row))
    except ValueError:
        return False


def _wrong_form(source: Source, name: str, part: Form, rows: Sequence[Mapping[str, Any]]) -> DataError:
    reason = ""
    for row in rows:
        try:
            part.parse(row)
        except ValueError as wrong:
            reason = str(wrong)
            break
    return DataError(
        "M206",
        f"the rows of {source.path.name} are not of the form '{name}': {reason}",
        expected=f"rows of the form '{name}'",
        fixes=("tunesmith data check FILE --form FORM   (docs/reference/forms.md lists them)",),
        where=str(source.path),
    )


def records(source: Source, reading: Reading) -> Iterator[Record | Broken]:
    """Every row as a record of the form's content, with its key and what it says of its context (group, time, …)."""
    part: Form = catalog.part("form", reading.form)()
    context = [
        (each.name, reading.columns.columns[each.name])
        for each in CONTEXT
        if each.name in reading.columns.columns
    ]
    for row in rows(source):
        if isinstance(row, Broken):
            yield row
            continue
        try:
            fields = part.parse(_narrowed(row.fields, part, reading.columns))
        except ValueError as wrong:
            what, _, fix = str(wrong).partition("; ")
            yield Broken(
                row.place, what, fix or f"write it as a row of the form '{reading.form}'", _raw(row.fields)
            )
            continue
        fields |= {name: text(row.fields.get(column)) for name, column in context}
        yield Record(fields, row.place, row_key(fields))


def _narrowed(row: Mapping[str, Any], part: Form, columns: Columns) -> dict[str, Any]:
    """The row with the names of the form's keys."""
    named = columns.columns
    return {each.name: row.get(named[each.name]) for each in part.keys if each.name in named}


def _raw(fields: Mapping[str, Any]) -> str:
    return json.dumps(dict(fields), ensure_ascii=False, default=str)[:200]


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


def _check_given(source: Source, wanted: Sequence[Field], given: Mapping[str, str]) -> None:
    legal = [each.name for each in wanted]
    for name, column in given.items():
        if name not in legal:
            close = catalog.nearest(name, legal)
            raise UsageError(
                "M204",
                f"rows of this form have no field '{name}'",
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
