"""Verbs that look at data and change nothing: show, stats, diff, ls, lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.data import difference, journal, statistics
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Stage
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, dividing
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result

SHOWN = 20  # rows of each kind that a difference lists
Folder = Path | str | None
Fields = Mapping[str, str] | None


def show(
    ref: str,
    *,
    rows: int = 10,
    where: Sequence[str] = (),
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Iterator[Event]:
    """The first rows, and what is known of them: Finished(Result).  where: 'field=value' (the side of a row is
    'split'); all must hold.  Raises UsageError F034 for a field that there is not."""
    place = home_folder(home)
    found = yield from datasets.opened(ref, place, form=form, fields=fields)
    sides = dividing.sides(found, place)
    chosen = [row for row in zip(found.records, sides, strict=True) if _holds(*row, _wanted(found, where))]
    yield Finished(
        Result(
            {
                **_about(found, place),
                "matching": len(chosen),
                "shown": [_row(row, side) for row, side in chosen[:rows]],
            }
        )
    )


def _wanted(dataset: Dataset, where: Sequence[str]) -> dict[str, str]:
    pairs = {name.strip(): value for name, _, value in (each.partition("=") for each in where)}
    legal = [*dict.fromkeys((*dataset.fields, "split"))]
    for name in pairs:
        if name not in legal:
            raise UsageError(
                "F034",
                f"the rows of {dataset.ref} have no field '{name}'",
                expected=f"FIELD=VALUE with one of: {', '.join(legal)}",
                fixes=(f"tunesmith data show {dataset.ref} --where {legal[-1]}=train",),
                where="--where",
            )
    return pairs


def _holds(row: Record, side: str, wanted: Mapping[str, str]) -> bool:
    values = {**row.fields, **({"split": side} if side else {})}
    return all(_is(values.get(name), value) for name, value in wanted.items())


def _is(value: Any, wanted: str) -> bool:
    return wanted in map(str, value) if isinstance(value, list) else str(value or "") == wanted


def _row(row: Record, side: str) -> dict[str, Any]:
    return {"row": row.place.id, "place": str(row.place), "side": side, "fields": dict(row.fields)}


def _about(dataset: Dataset, home: Path) -> dict[str, Any]:
    """What every view says of the data that it looks at."""
    ref = journal.named(home, dataset.digest, dataset.name) if dataset.digest else ""
    known = {"data": dataset.ref, "version": ref, "digest": dataset.digest, "parent": dataset.parent}
    known |= {"content": dataset.content_name, "form": dataset.form, "fields": list(dataset.fields)}
    return {**known, "rows": len(dataset.records), "broken": len(dataset.broken)}


def stats(ref: str, *, form: str = "", fields: Fields = None, home: Folder = None) -> Iterator[Event]:
    """Labels, lengths, duplicates, scripts, tokens, by side: Finished(Result)."""
    place = home_folder(home)
    found = yield from datasets.opened(ref, place, form=form, fields=fields)
    yield Stage("count", f"{len(found.records):,} rows")
    figures = statistics.statistics(found.records, found.content, dividing.sides(found, place))
    yield Finished(Result({**_about(found, place), **figures}))


def diff(
    first: str, second: str, *, form: str = "", fields: Fields = None, home: Folder = None
) -> Iterator[Event]:
    """Which rows came, went and changed from the first to the second: Finished(Result).

    Raises UsageError F032 where the two hold different contents.
    """
    place = home_folder(home)
    old = yield from datasets.opened(first, place, form=form, fields=fields)
    new = yield from datasets.opened(second, place, form=form, fields=fields)
    datasets.require_same(old, new)
    yield Stage("compare", f"{len(old.records):,} and {len(new.records):,} rows")
    hashes = [{each.get("sha256") for each in found.sources} for found in (old, new)]
    found = difference.compare(
        old.records, new.records, old.content, same_source=bool(hashes[0] & hashes[1] - {None})
    )
    yield Finished(Result({"a": _about(old, place), "b": _about(new, place), **_told(found)}))


def _told(found: difference.Difference) -> dict[str, Any]:
    counts = {"came": len(found.came), "went": len(found.went), "changed": len(found.changed)}
    return {
        "same": found.same,
        "counts": counts,
        "labels": {label: list(pair) for label, pair in found.labels.items()},
        "came": [_row(row, "") for row in found.came[:SHOWN]],
        "went": [_row(row, "") for row in found.went[:SHOWN]],
        "changed": [_change(*pair) for pair in found.changed[:SHOWN]],
    }


def _change(before: Record, after: Record) -> dict[str, Any]:
    fields = {name: list(pair) for name, pair in difference.changes(before, after).items()}
    return {"row": after.place.id, "was": before.place.id, "fields": fields}


def ls(*, home: Folder = None) -> list[dict[str, Any]]:
    """All names with their versions: [{version, digest, current, rows, parent, steps, licences, at}], oldest first."""
    place = home_folder(home)
    found = []
    for name, digests in journal.numbered(place).items():
        now = journal.latest(place, name)
        first = {line["digest"]: line for line in reversed(list(journal.notes(place, name)))}
        for number, digest in enumerate(digests, 1):
            line = {"version": f"{name}@{number}", "digest": digest, "current": digest == now}
            found.append({**line, **_listed(place, name, digest), "at": first[digest].get("at", "")})
    return found


def _listed(home: Path, name: str, digest: str) -> dict[str, Any]:
    about = {**datasets.about(home, digest), **journal.noted(home, name, digest)}
    parent = about.get("parent", "")
    return {
        "rows": about.get("rows"),
        "content": about.get("content", ""),
        "parent": journal.named(home, parent, name) if parent else "",
        "step": about["steps"][-1]["verb"] if about.get("steps") else "",
        "licences": sorted({each.get("licence", "") for each in about.get("sources", ())} - {""}),
    }
