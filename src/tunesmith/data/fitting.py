"""How well a form fits a file: how much of it its keys explain, how sure that is, and what stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith import catalog
from tunesmith.data import choosing, refusals
from tunesmith.data.choosing import Columns
from tunesmith.data.source import Source
from tunesmith.errors import DataError
from tunesmith.inputs.columns import EXACT, Column, named
from tunesmith.parts import Form

PARSED = 100  # of the first rows, those that are parsed to see whether a form fits
_STRUCTURES = frozenset(("messages", "spans", "strings", "json"))
_STRUCTURED = 0.5  # what keys that hold lists and objects count beside their columns
_HALF = 0.5
_RIVAL = 0.3  # forms whose scores are closer than this explain about as much


@dataclass(frozen=True)
class Fit:
    """A form that could be a file's.  score: the columns that it explains, each by how well.  open: the question that
    is left, where a key could be one of several columns.  parsed: its content's fields of the first rows."""

    name: str
    columns: Columns
    score: float
    open: DataError | None
    parsed: tuple[Mapping[str, Any], ...]
    sure: float


def fit(
    source: Source,
    form: Form,
    name: str,
    given: Mapping[str, str],
    table: Mapping[str, Column],
    first: Sequence[Mapping[str, Any]],
) -> Fit:
    """The form's columns among those of the file, and how much of it they explain.

    Raises DataError M201 (no column for a required key), M203, M206 (the rows have another shape); UsageError M204.
    """
    context = choosing.own_context(given, table, first)
    rest = {column: seen for column, seen in table.items() if column not in context.values()}
    choices = choosing.choose(source, form, given, rest)
    question = next((each.open for each in choices.values() if each.open), None)
    columns = choosing.with_context(choosing.described(form, choices, rest, first), context)
    parsed = _parsed(form, columns, first[:PARSED])
    whole = len(parsed) / max(1, min(len(first), PARSED))
    if whole < 0.5:
        raise _wrong_shape(source, form, name, columns, first)
    structured = any(each.kind in _STRUCTURES and each.required for each in form.keys)
    score = sum(each.fitness for each in choices.values()) + _STRUCTURED * structured
    sure = whole * min(columns.confidence.values(), default=0.0)
    return Fit(name, columns, whole * score, question, tuple(parsed), sure)


def _parsed(form: Form, columns: Columns, first: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = []
    for row in first:
        try:
            found.append(form.parse(choosing.narrowed(row, form, columns.columns)))
        except ValueError:
            continue
    return found


def _wrong_shape(
    source: Source, form: Form, name: str, columns: Columns, first: Sequence[Mapping[str, Any]]
) -> DataError:
    for row in first:
        try:
            form.parse(choosing.narrowed(row, form, columns.columns))
        except ValueError as wrong:
            return refusals.wrong_shape(source, name, str(wrong))
    return refusals.wrong_shape(source, name, "it has no rows")


def explained(form: Form, table: Mapping[str, Column]) -> int:
    """How many required keys the file names, 0 unless it names all: whoever wrote it meant this form."""
    found = [any(named(each, column) >= EXACT for column in table) for each in form.keys if each.required]
    return len(found) if all(found) else 0


def surest(source: Source, fits: Sequence[Fit], *, doubted: bool) -> Fit:
    """The fit that explains most.  Raises its open question (M202); M207 where another explains about as much.

    doubted: whether nobody said what the rows hold; then a fit that leaves columns over and is less than half sure is
    refused too (M208).
    """
    order = sorted(fits, key=lambda each: -each.score)
    best = order[0]
    rivals = [each for each in order[1:] if each.score > best.score - _RIVAL and not _same(best, each)]
    rivals = [each for each in rivals if not _says_less(best, each)]
    if rivals:
        raise refusals.ambiguous(source, [(each.name, _offers(each)) for each in (best, *rivals)])
    if best.open:
        raise best.open
    explained = {part for column in best.columns.columns.values() for part in (column, *column.split(","))}
    if doubted and best.sure < _HALF and set(source.dialect.columns) - explained:
        raise refusals.doubtful(source, best.name, _offers(best), best.sure)
    return best


def _same(first: Fit, second: Fit) -> bool:
    """Whether two fits read the same from the file."""
    contents = _contents(first, second)
    return contents[0] == contents[1] and first.parsed == second.parsed


def _says_less(best: Fit, other: Fit) -> bool:
    """Whether one label a row and several labels a row are told apart by the rows: several, where some row has more
    than one, which a form of one label can't read; one, where each row has just that."""
    if best.columns.columns != other.columns.columns:
        return False
    if _contents(best, other) == ("multilabel", "labelled"):
        return len(other.parsed) < len(best.parsed)
    single = [{"text": each["text"], "labels": [each["label"]]} for each in best.parsed if "label" in each]
    return _contents(best, other) == ("labelled", "multilabel") and single == list(other.parsed)


def _contents(*fits: Fit) -> tuple[str, ...]:
    return tuple(catalog.part("form", each.name).content for each in fits)


def _offers(found: Fit) -> dict[str, list[str]]:
    """key → the columns that it could be."""
    return {
        key: refusals.rivals_of(found.open) if found.open and refusals.about(found.open) == key else [column]
        for key, column in found.columns.columns.items()
    }
