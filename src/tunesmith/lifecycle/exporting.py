"""`data export`: the rows of a version as files that other tools read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.data import mapping, writing
from tunesmith.errors import DataError, UsageError
from tunesmith.events import Event, Finished, Saved
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, dividing
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Form

FILES = "jsonl"  # what a folder's files are written as


def export(
    ref: str,
    out: str,
    *,
    form: str = "",
    by_side: bool = False,
    read_form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Write the rows as a file, or as a folder with a file for each side: Finished(Result).

    out: a file (.jsonl, .csv, .parquet; .gz), or a folder, where by_side is meant.  form: how the rows are written,
    else as they were read.  Raises UsageError F039 where something is there already, F037 without a split, DataError
    M206 where the form can't hold a row.
    """
    place, goal = home_folder(home), Path(out)
    found = yield from datasets.opened(ref, place, form=read_form, fields=fields)
    name = form or _form(found)
    part: Form = catalog.part("form", name)()
    written = []
    for path, rows in _files(found, goal, by_side, place).items():
        rendered = [_rendered(part, name, row, found) for row in rows]
        digest = writing.write(path, rendered)
        yield Saved("export", str(path), digest)
        written.append({"file": str(path), "rows": len(rows), "sha256": digest})
    yield Finished(Result({"data": ref, "version": found.digest, "form": name, "files": written}))


def _form(found: Dataset) -> str:
    fitting = mapping.forms_of(found.content_name)
    return found.form if found.form in fitting or not fitting else fitting[0]


def _files(found: Dataset, goal: Path, by_side: bool, home: Path) -> dict[Path, Sequence[Record]]:
    """Which rows go into which file; nothing that is there is written over."""
    paths: dict[Path, Sequence[Record]] = {}
    folder = goal.is_dir() or not goal.suffix
    if by_side or folder:
        suffix = "" if folder else "".join(goal.suffixes)
        goal = goal if folder else goal.parent / goal.name.removesuffix(suffix)
        sides = dividing.by_side(found, home)
        paths = {goal / f"{side}{suffix or '.' + FILES}": rows for side, rows in sides.items()}
    else:
        paths = {goal: found.records}
    for path in paths:
        writing.require_suffix(path)
        if path.exists():
            raise _there(path)
    return paths


def _there(path: Path) -> UsageError:
    other = path.with_name(f"{path.name.partition('.')[0]}-2{''.join(path.suffixes)}")
    return UsageError(
        "F039",
        f"{path} is there already",
        expected="a name that is free: nothing is written over",
        fixes=(f"tunesmith data export … {other}",),
        where=str(path),
    )


def _rendered(part: Form, name: str, row: Record, found: Dataset) -> dict[str, Any]:
    """A row as the form writes it, with what it says of its context under the names that are understood again."""
    try:
        values = part.render(row.fields)
    except (ValueError, KeyError) as wrong:
        raise DataError(
            "M206",
            f"the form '{name}' can't hold this row: {wrong}",
            expected=f"a form of the content {found.content_name}",
            fixes=tuple(f"--form {each}" for each in mapping.forms_of(found.content_name)[:3]),
            where=str(row.place),
        ) from None
    return {**values, **{key: row.fields[key] for key in found.context if key in row.fields}}
