"""Chooses which column of a file is which key of a form, by names and by what the columns hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunesmith.data import refusals
from tunesmith.data.source import Source
from tunesmith.errors import DataError
from tunesmith.fields import CONTEXT, Field
from tunesmith.inputs.columns import EXACT, Column, by_name, fitness, named
from tunesmith.parts import Form

SIDES = frozenset(("train", "training", "validation", "valid", "val", "dev", "test", "testing"))
_CLOSE = 0.12
_LIKELY = 0.3
_FLAGGED = 0.75  # how well three columns of 0 and 1, or more, fit labels


@dataclass(frozen=True)
class Columns:
    """Which column of a file is which field of a task.

    columns: field → column; 'a,b,c' stands for several columns, which the form gets as an object.  confidence: field →
    0..1 (1: given by the user).  candidates: field → columns that could be it, likeliest first; a group is never taken
    unasked.  notes: what is done to values, in words.
    """

    columns: Mapping[str, str]
    confidence: Mapping[str, float] = field(default_factory=dict)
    candidates: Mapping[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A key's column.  fitness: how well it fits, 0..1.  open: the question that is left where others fit as well."""

    column: str
    confidence: float
    fitness: float
    open: DataError | None = None


def choose(
    source: Source, form: Form, given: Mapping[str, str], table: Mapping[str, Column]
) -> dict[str, Choice]:
    """key → its column.  Raises DataError M201, M203; UsageError M204."""
    refusals.check_given(source, (*form.keys, *CONTEXT), given, table)
    judge = fitness if form.guesses else by_name
    chosen = {name: Choice(column, 1.0, 1.0) for name, column in given.items() if column}
    for each in form.keys:
        taken = {choice.column for choice in chosen.values()}
        if each.name in given:
            continue
        free = ranked(each, {name: table[name] for name in table if name not in taken}, judge)
        if each.required:
            chosen[each.name] = _flagged(each, table, taken, free) or _best(source, form, each, free, table)
        elif max(free.values(), default=0) > (0.7 if form.guesses else 0.5):
            chosen[each.name] = _best(source, form, each, free, table)
    return chosen


def ranked(each: Field, table: Mapping[str, Column], judge: Any = fitness) -> dict[str, float]:
    """column → how well it fits the field, best first; columns that can't be it are left out."""
    found = {name: judge(each, column) for name, column in table.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: -found[name]) if found[name] > 0}


def _best(
    source: Source, form: Form, each: Field, free: Mapping[str, float], table: Mapping[str, Column]
) -> Choice:
    likely = [(name, score) for name, score in free.items() if score >= _LIKELY]
    if not likely:
        raise refusals.none(source, each, table)
    own = [pair for pair in likely if not form.guesses and named(each, pair[0]) == 1]
    likely = own or likely
    best, score = likely[0]
    rivals = [name for name, other in likely if other > score - _CLOSE]
    question = refusals.several(source, each, rivals) if len(rivals) > 1 else None
    margin = score - (likely[1][1] if len(likely) > 1 else 0.0)
    return Choice(best, round(min(1.0, score * (0.8 + 0.4 * min(margin, 0.5))), 2), score, question)


def _flagged(
    each: Field, table: Mapping[str, Column], taken: set[str], free: Mapping[str, float]
) -> Choice | None:
    """The columns of 0 and 1 as a label each, where no column holds the labels: at least two, none called a label."""
    if each.kind != "labels" or max(free.values(), default=0) >= _LIKELY:
        return None
    found = [
        name
        for name, column in table.items()
        if name not in taken and "," not in name and column.filled and column.flags == 1
    ]
    if len(found) < 2 or any(named(each, name) >= EXACT for name in found):
        return None
    return Choice(",".join(found), 0.6, _FLAGGED if len(found) > 2 else _LIKELY)


def described(
    form: Form,
    choices: Mapping[str, Choice],
    table: Mapping[str, Column],
    first: Sequence[Mapping[str, Any]],
) -> Columns:
    """The choice as it is told and kept."""
    chosen = {name: choice.column for name, choice in choices.items()}
    confidence = {name: choice.confidence for name, choice in choices.items()}
    scores = {each.name: ranked(each, table) for each in (*form.keys, *CONTEXT)}
    candidates = {
        name: [
            column
            for column, score in found.items()
            if score >= _LIKELY and column not in {v for k, v in chosen.items() if k != name}
        ]
        for name, found in scores.items()
    }
    return Columns(chosen, confidence, candidates, _notes(form, chosen, table, first))


def with_context(columns: Columns, found: Mapping[str, str]) -> Columns:
    """The columns with those that `own_context` found."""
    sure = dict.fromkeys(found, 1.0)
    return replace(columns, columns={**columns.columns, **found}, confidence={**columns.confidence, **sure})


def own_context(
    given: Mapping[str, str], table: Mapping[str, Column], first: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Fields of the context that a column tells beyond doubt, by its name and all its values: the sides of rows, and
    what made rows were made from.  A field that the user named is left out."""
    found: dict[str, str] = {}
    for each in CONTEXT:
        if each.role not in _BEYOND_DOUBT or each.name in given:
            continue
        for name in (name for name in table if name not in given.values() and named(each, name) >= EXACT):
            values = [row[name] for row in first if row.get(name) not in (None, "")]
            if values and all(map(_BEYOND_DOUBT[each.role], values)):
                found.setdefault(each.name, name)
    return found


def _is_side(value: Any) -> bool:
    return str(value).strip().lower() in SIDES


def _is_origin(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return False
    return isinstance(value, Mapping) and {"by", "parents"} <= set(value)


_BEYOND_DOUBT: Mapping[str, Callable[[Any], bool]] = {"split": _is_side, "origin": _is_origin}


def _notes(
    form: Form, chosen: Mapping[str, str], table: Mapping[str, Column], first: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    listed = {name: column for name, column in chosen.items() if column in table and table[column].lists}
    joined = []
    for name, column in listed.items():
        row = next((row for row in first if isinstance(row.get(column), list)), {})
        try:
            value = form.parse(narrowed(row, form, chosen)).get(name)
        except ValueError:
            continue
        if (
            isinstance(value, str)
            and isinstance(row.get(column), list)
            and len(row[column]) > 1
            and "\n" in value
        ):
            joined.append(f"'{column}' holds lists; their items are joined with line breaks")
    return tuple(joined)


def narrowed(row: Mapping[str, Any], form: Form, named: Mapping[str, str]) -> dict[str, Any]:
    """The row with the names of the form's keys; several columns that are one key ('a,b,c') become an object."""
    return {each.name: _value(row, each, named[each.name]) for each in form.keys if each.name in named}


def _value(row: Mapping[str, Any], each: Field, column: str) -> Any:
    if column in row or "," not in column or each.kind != "labels":
        return row.get(column)
    return {name: row.get(name) for name in column.split(",")}
