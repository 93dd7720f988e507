"""From a file to records: sniff it, find its form, map its columns, read every row."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.data import mapping, source, stored
from tunesmith.errors import DataError
from tunesmith.events import Event, Note, Progress, Stage
from tunesmith.fields import CONTEXT, Broken, Record
from tunesmith.parts import Content


@dataclass(frozen=True)
class Table:
    """A data set as records of the task, with what could not be read."""

    records: Sequence[Record]
    broken: list[Broken]
    reading: mapping.Reading
    found: source.Source

    @property
    def described(self) -> str:
        """How its files are written, in words."""
        return source.describe(self.found)

    @property
    def origins(self) -> tuple[Mapping[str, Any], ...]:
        """Name and SHA-256 of each file, which is read for it once more."""
        return source.origins(self.found)

    @property
    def columns(self) -> mapping.Columns:
        """Which column of the file is which key of its form."""
        return self.reading.columns

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that the records have: the content's, and those of their context."""
        context = (each.name for each in CONTEXT if each.name in self.columns.columns)
        return (*(each.name for each in self.content.fields), *context)

    @property
    def content(self) -> Content:
        """What its records hold."""
        return catalog.part("content", catalog.part("form", self.reading.form).content)()


def read(
    path: str, given: Mapping[str, str], *, form: str = "", content: str = "", spool: Path | None = None
) -> Generator[Event, None, Table]:
    """Sniff a file, find its form, map its columns, read every row; say what was found and how to override it.

    content: the name of what the rows must hold; '' for any.  spool: the folder where rows of large files are kept
    while they are worked on (in memory, where it is None).
    """
    found = source.sniff(path)
    reading = mapping.read_as(found, form=form, given=given, content=content)
    columns = reading.columns
    named = ", ".join(
        f'{field} = "{column}" ({columns.confidence[field]:.0%})' for field, column in columns.columns.items()
    )
    plain = {"text", "label"} <= set(columns.columns)  # these two have options of their own
    said = (
        f"{named} · change: --text --label" if plain else f"{reading.form}: {named} · change: --form --field"
    )
    yield Stage("sniff", f"{Path(path).name or path} · {source.describe(found)} · {said}")
    for note in columns.notes:
        yield Note(note)
    broken: list[Broken] = []
    size, start = max(1, source.unpacked(found)), time.monotonic()
    with stored.Rows(spool if source.unpacked(found) > stored.LARGE else None) as rows:
        for number, row in enumerate(mapping.records(found, reading)):
            if isinstance(row, Broken):
                broken.append(row)
            else:
                rows.add(row)
            if number % 20_000 == 19_999 and row.place.byte >= 0:
                yield Progress("read", min(row.place.byte, size), size, time.monotonic() - start)
    records = rows.sequence()
    if not records:
        raise DataError(
            "F012",
            f"{Path(path).name} holds no readable row",
            expected="a header and rows",
            fixes=(f"tunesmith data check {path}",),
            where=path,
        )
    return Table(records, broken, reading, found)
