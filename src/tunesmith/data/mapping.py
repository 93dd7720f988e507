"""Finds out which form a file has and which column is which of its keys, and reads rows as records of its content."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith import catalog
from tunesmith.data import choosing, fitting, refusals
from tunesmith.data.choosing import Columns
from tunesmith.data.fitting import Fit
from tunesmith.data.forms._values import text
from tunesmith.data.source import Source, rows
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.fields import CONTEXT, Broken, Record, row_key
from tunesmith.inputs.columns import Column, look
from tunesmith.parts import Form

LOOKED_AT = 1000


@dataclass(frozen=True)
class Reading:
    """How a file is read: its form, and which column is which of the form's keys.  sure: 0..1, 1 where it was given."""

    form: str
    columns: Columns
    sure: float = 1.0


def infer(source: Source, form: Form, given: Mapping[str, str]) -> Columns:
    """Map columns to the form's keys by their names and the first 1,000 rows.

    given: field → column, as the user says ('a,b' for several columns that are one key).  Raises DataError M201 (no
    column fits a required field), M202 (two fit about as well), M203 (a given column does not exist); UsageError M204
    (no such field, a column given twice).
    """
    first = _first(source)
    table = look(source.dialect.columns, first)
    choices = choosing.choose(source, form, given, table)
    if question := next((choice.open for choice in choices.values() if choice.open), None):
        raise question
    return choosing.described(form, choices, table, first)


def read_as(
    source: Source, *, form: str = "", given: Mapping[str, str] | None = None, content: str = ""
) -> Reading:
    """The form of a file: the one that is given, or the one that explains most of its columns.

    content: the name of what the rows must hold ('' for any).  A key is found by its name, in some forms also by what a
    column holds.  Raises what `infer` raises where one form is meant; DataError M206 where its rows have another shape,
    M207 where two forms explain about as much and would be read differently, M208 where none fits, or only one of which
    it is more likely than not that something else is meant.
    """
    names = [form] if form else forms_of(content)
    first = _first(source)
    table = look(source.dialect.columns, first)
    fits: list[Fit] = []
    refused: dict[str, TunesmithError] = {}
    for name in names:
        part: Form = catalog.part("form", name)()
        try:
            fits.append(fitting.fit(source, part, name, given or {}, table, first))
        except (DataError, UsageError) as refusal:
            refused[name] = refusal
    if refusal := _meant(fits, refused, table):
        raise refusal
    if not fits:
        raise _refusal(source, names, refused, table, content)
    best = fitting.surest(source, fits, doubted=not (form or given or content))
    return Reading(best.name, best.columns, best.sure)


def forms_of(content: str) -> list[str]:
    """The names of the forms that hold a content (of all, where it is ''); plain tables first, then by name."""
    found = {name: each for name, each in catalog.parts("form").items() if content in ("", each.content)}
    return sorted(found, key=lambda name: (not found[name].guesses, len(found[name].keys), name))


def _meant(
    fits: Sequence[Fit], refused: Mapping[str, TunesmithError], table: Mapping[str, Column]
) -> TunesmithError | None:
    """The refusal of the form whose keys the file names better than any form that fits does: its owner meant that one,
    and should hear why it is not so instead of being read as something less."""
    best = max((len(each.columns.columns) for each in fits), default=0)
    for name, refusal in refused.items():
        part: Form = catalog.part("form", name)()
        if refusal.code == "M204":  # the keys that the user gave are not this form's
            continue
        if fits and fitting.explained(part, table) > best:
            return refusal
    return None


def _refusal(
    source: Source,
    names: Sequence[str],
    refused: Mapping[str, TunesmithError],
    table: Mapping[str, Column],
    content: str,
) -> TunesmithError:
    """Where nothing fits: a column that does not exist, what is wrong with the form whose keys the file names best, or
    that there is no such form."""
    if wrong := next((each for each in refused.values() if each.code == "M203"), None):
        return wrong
    able = [name for name in names if refused[name].code != "M204"] or list(names)
    known = {name: fitting.explained(catalog.part("form", name)(), table) for name in able}
    best = max(able, key=lambda name: known[name])
    if content or known[best] or refused[best].code == "M204" or len(names) == 1:
        return refused[best]
    return refusals.no_form(source, table, forms_of(""))


def records(source: Source, reading: Reading) -> Iterator[Record | Broken]:
    """Every row as a record of the form's content, with its key and what it says of its context (group, time, …)."""
    part: Form = catalog.part("form", reading.form)()
    named = reading.columns.columns
    context = [(each.name, named[each.name]) for each in CONTEXT if each.name in named]
    for row in rows(source):
        if isinstance(row, Broken):
            yield row
            continue
        try:
            fields = part.parse(choosing.narrowed(row.fields, part, named))
        except ValueError as wrong:
            what, _, fix = str(wrong).partition("; ")
            yield Broken(
                row.place, what, fix or f"write it as a row of the form '{reading.form}'", _raw(row.fields)
            )
            continue
        fields |= {name: text(row.fields.get(column)) for name, column in context}
        yield Record(fields, row.place, row_key(fields))


def _raw(fields: Mapping[str, Any]) -> str:
    return json.dumps(dict(fields), ensure_ascii=False, default=str)[:200]


def _first(source: Source) -> list[Mapping[str, Any]]:
    good = (row.fields for row in rows(source) if isinstance(row, Record))
    return list(itertools.islice(good, LOOKED_AT))
