"""`data merge`: several data sets of one content as one version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tunesmith.data import journal
from tunesmith.data.checks._rows import normalise
from tunesmith.events import Event, Finished, Note
from tunesmith.fields import Record
from tunesmith.findings import Place
from tunesmith.home import home_folder
from tunesmith.lifecycle import curating, datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result


def merge(
    refs: Sequence[str],
    *,
    name: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """The rows of several data sets of one content, one after the other, as one version: Finished(Result).

    name: what it is called, else as the first.  Duplicates stay and are counted.  Raises UsageError F032 where the
    contents differ.
    """
    place, parts = home_folder(home), list[Dataset]()
    for ref in refs:
        part = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
        datasets.require_same(parts[0] if parts else part, part)
        parts.append((yield from datasets.saved(part, place)))
    records = apart([part.records for part in parts])
    sources = {(each.get("sha256"), each["name"]): each for part in parts for each in part.sources}
    whole = replace(
        parts[0],
        fields=tuple(dict.fromkeys(each for part in parts for each in part.fields)),
        broken=(),
        sources=tuple(sources.values()),
    )
    step = {"verb": "merge", "of": [part.digest for part in parts]}
    after = yield from datasets.changed(whole, records, step, place, name=name)
    counts = _doubles(parts)
    yield Note(f"{counts['duplicates']:,} rows say the same as another: tunesmith data fix {after.ref}")
    merged = {"of": [journal.named(place, part.digest, part.name) for part in parts], **counts}
    yield Finished(Result({**curating.summary(parts[0], after), "data": list(refs), **merged}))


def apart(parts: Sequence[Sequence[Record]]) -> list[Record]:
    """The rows of all parts, each with a place of its own: equal names of files get a number ('day.csv@2')."""
    taken: set[str] = set()
    rows: list[Record] = []
    for number, part in enumerate(parts, 1):
        own = {row.place.id for row in part}
        if own & taken:
            part = [replace(row, place=_renamed(row.place, number)) for row in part]
            own = {row.place.id for row in part}
        taken |= own
        rows += part
    return rows


def _renamed(place: Place, number: int) -> Place:
    name = f"{place.name}@{number}" if place.name else ""
    return replace(place, source=f"{place.source}@{number}", name=name)


def _doubles(parts: Sequence[Dataset]) -> dict[str, int]:
    """Rows that say the same as an earlier one, and how many of them as one of another part."""
    first: dict[str, int] = {}
    counts = Counter(duplicates=0, across=0)
    for number, part in enumerate(parts):
        for row in part.records:
            said = normalise(f"{part.content.text(row)}\n{part.content.target(row)}")
            earlier = first.setdefault(said, number)
            counts["across"] += earlier != number
            counts["duplicates"] += 1
    counts["duplicates"] -= len(first)
    return dict(counts)
