"""What is said where a file's form or columns can't be told: each error names the candidates and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tunesmith import catalog
from tunesmith.data.source import Source
from tunesmith.errors import DataError, UsageError
from tunesmith.fields import Field
from tunesmith.inputs.columns import Column

_OPEN = re.compile(r"could each be the (\w+)$")
_FLAGS = ("text", "label", "group")  # fields that have an option of their own


def check_given(
    source: Source, wanted: Sequence[Field], given: Mapping[str, str], table: Iterable[str]
) -> None:
    """Raise UsageError M204 (no such field, a column given twice) or DataError M203 (no such column)."""
    legal, columns = [each.name for each in wanted], set(table)
    for name, column in given.items():
        if name not in legal:
            close = catalog.nearest(name, legal)
            raise UsageError(
                "M204",
                f"rows of this form have no field '{name}'",
                expected=f"one of: {', '.join(legal)}",
                fixes=(option(close, column),) if close else (),
                where=f"data.fields.{name}",
            )
        if column and (
            lacking := _lacking(column, next(each for each in wanted if each.name == name), columns)
        ):
            raise _no_column(source, name, lacking)
    said = [column for column in given.values() if column]
    if twice := next((column for column in said if said.count(column) > 1), None):
        raise UsageError(
            "M204",
            f"the column '{twice}' is given for "
            + " and ".join(name for name, column in given.items() if column == twice),
            expected="one column for each field",
            where=twice,
        )


def _lacking(column: str, each: Field, columns: set[str]) -> str:
    """The column that does not exist, '' where all do; labels may stand in several."""
    parts = column.split(",") if each.kind == "labels" and column not in columns else [column]
    return next((part for part in parts if part not in columns), "")


def option(field: str, column: str) -> str:
    """What is typed to say which column a field is."""
    return f"--{field} '{column}'" if field in _FLAGS else f"--field {field}='{column}'"


def _command(source: Source, field: str, column: str) -> str:
    verb = "up" if field in _FLAGS else "data check"
    return f"tunesmith {verb} '{source.path}' {option(field, column)}"


def _no_column(source: Source, name: str, column: str) -> DataError:
    close = catalog.nearest(column, list(source.dialect.columns))
    return DataError(
        "M203",
        f"{source.path.name} has no column '{column}'",
        expected=listed(source),
        fixes=(_command(source, name, close),) if close else (f"head -n 1 '{source.path}'",),
        where=f"{source.path}:1",
    )


def none(source: Source, each: Field, table: Mapping[str, Column]) -> DataError:
    """M201: no column fits a required key."""
    close = next((near for word in each.synonyms if (near := catalog.nearest(word, list(table)))), "")
    return DataError(
        "M201",
        f"no column of {source.path.name} looks like the {each.name} ({_looks(table)})",
        expected=f"a column for '{each.name}', such as {', '.join(each.synonyms[:4]) or each.name}",
        fixes=(_command(source, each.name, close or "COLUMN"),),
        where=f"{source.path}:1",
    )


def _looks(table: Mapping[str, Column]) -> str:
    return "; ".join(f"'{name}' {column.says()}" for name, column in list(table.items())[:8])


def several(source: Source, each: Field, rivals: Sequence[str]) -> DataError:
    """M202: two columns fit a key about as well."""
    names = " and ".join(f"'{name}'" for name in rivals[:4])
    return DataError(
        "M202",
        f"{names} could each be the {each.name}",
        expected=f"you to choose; {listed(source)}",
        fixes=tuple(_command(source, each.name, name) for name in rivals[:4]),
        where=f"{source.path}:1",
    )


def about(question: DataError) -> str:
    """The key that an M202 asks about."""
    found = _OPEN.search(question.found)
    return found[1] if found else ""


def rivals_of(question: DataError) -> list[str]:
    """The columns between which an M202 could not choose."""
    return re.findall(r"'([^']*)'", question.found)


def wrong_shape(source: Source, name: str, reason: str) -> DataError:
    """M206: the rows are not of the form that was named or found."""
    what, _, fix = reason.partition("; ")
    return DataError(
        "M206",
        f"the rows of {source.path.name} are not of the form '{name}': {what}",
        expected=fix or f"rows of the form '{name}'",
        fixes=("tunesmith data check FILE --form FORM   (docs/reference/forms.md lists them)",),
        where=str(source.path),
    )


def ambiguous(source: Source, readings: Sequence[tuple[str, Mapping[str, Sequence[str]]]]) -> DataError:
    """M207: several forms explain the file about as well.  readings: (form, {key: columns that it could be})."""
    said = " or ".join(_said(name, keys) for name, keys in readings[:4])
    return DataError(
        "M207",
        f"{source.path.name} can be read {said}",
        expected=f"you to choose; {listed(source)}",
        fixes=tuple(fix for name, keys in readings[:4] for fix in _choices(source, name, keys)),
        where=f"{source.path}:1",
    )


def doubtful(source: Source, name: str, keys: Mapping[str, Sequence[str]], sure: float) -> DataError:
    """M208: a form fits, but badly."""
    return DataError(
        "M208",
        f"{source.path.name} can only be read with doubt: {_said(name, keys)}, {sure:.0%} sure",
        expected=f"you to say so; {listed(source)}",
        fixes=tuple(_choices(source, name, keys)),
        where=f"{source.path}:1",
    )


def _said(name: str, keys: Mapping[str, Sequence[str]]) -> str:
    columns = (f"{key} = {' or '.join(repr(each) for each in found)}" for key, found in keys.items())
    return f"as '{name}' ({', '.join(columns)})"


def _choices(source: Source, name: str, keys: Mapping[str, Sequence[str]]) -> list[str]:
    """The command that takes a form, once for each column where a key is open."""
    command = f"tunesmith data check '{source.path}' --form {name}"
    doubtful = {key: found for key, found in keys.items() if len(found) > 1}
    if not doubtful:
        return [command]
    return [f"{command} --field {key}='{column}'" for key, found in doubtful.items() for column in found[:4]]


def no_form(source: Source, table: Mapping[str, Column], names: Sequence[str]) -> DataError:
    """M208: no form fits."""
    return DataError(
        "M208",
        f"the columns of {source.path.name} are those of no form that is known ({_looks(table)})",
        expected=f"the keys of one of the forms: {', '.join(names)}",
        fixes=(f"tunesmith data check '{source.path}' --form FORM --field KEY=COLUMN",),
        where=f"{source.path}:1",
    )


def listed(source: Source) -> str:
    """The file's columns, in words."""
    names = source.dialect.columns
    return "its columns are: " + ", ".join(names[:40]) + (" …" if len(names) > 40 else "")
