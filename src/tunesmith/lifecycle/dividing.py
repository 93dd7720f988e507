"""Which row is on which side: `data split`, and the sides of a version that were made before."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data import checking, splits
from tunesmith.data import split as splitting
from tunesmith.data.by_time import split_by_time
from tunesmith.data.checks._rows import plural
from tunesmith.data.enlarging import is_made
from tunesmith.data.sides import SIDES
from tunesmith.data.splits import Split
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Found, Note, Saved, Stage
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, streaming
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.recipe.sections import Split as Rule


def split(
    ref: str,
    *,
    validation: float = 0.15,
    test: float = 0.15,
    group: str = "",
    by_time: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    out: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Divide the rows and keep the division with their version: Finished(Result).

    group: column whose equal values stay on one side.  by_time: column; the latest rows are the test.  `train`, `up`
    and `data export --by-side` use the sides; rows that a newer version adds never move those that are there.
    out: a folder that gets a file for each side; rows that are too many for memory go there and nowhere else.
    """
    place, rule = home_folder(home), _rule(validation, test)
    given = {**(fields or {}), **{k: v for k, v in (("group", group), ("time", by_time)) if v}}
    opened = yield from datasets.opened(ref, place, form=form, fields=given, licence=licence)
    if streaming.is_large(opened):
        yield from streaming.divided(opened, rule, out, by_time=bool(by_time))
        return
    before = yield from datasets.saved(opened, place)
    yield Stage("split", f"{len(before.records):,} rows")
    made = _fixable(_made(before, rule, place, by_time=bool(by_time)), before.ref)
    yield Saved("split", str(place / "splits" / f"{made.digest}.json"), made.digest)
    for finding in made.findings:
        yield Found(finding)
    told = _told(made, before)
    if told["made_left_out"]:
        yield Note(
            f"{plural(told['made_left_out'], 'made row')} left out: they train only where all their parents do"
        )
    keeps = {name: _mask(getattr(made, name), len(before.records)) for name in SIDES}
    written = (yield from streaming.files_of(before, keeps, out)) if out else []
    values = {"data": ref, "version": before.digest, "name": before.name, "files": written}
    yield Finished(Result({**values, **told}))


def _fixable(made: Split, ref: str) -> Split:
    """The split with the version's own name where a fix of its findings changes rows: a version knows no path."""

    def named(finding: Finding) -> Finding:
        if finding.fix is None or not finding.fix.command.startswith("tunesmith data fix"):
            return finding
        return replace(
            finding, fix=replace(finding.fix, command=f"tunesmith data fix {shlex.quote(ref)} {finding.code}")
        )

    return replace(made, findings=tuple(map(named, made.findings)))


def _mask(rows: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros(count, bool)
    found[rows] = True
    return found


def _rule(validation: float, test: float) -> Rule:
    for name, share in (("--validation", validation), ("--test", test)):
        if not 0 <= share < 0.9:
            raise UsageError(
                "C123",
                f"{share} is no share of rows",
                expected="a number from 0 to 0.9",
                fixes=(f"{name} 0.15",),
                where=name,
            )
    return Rule(validation=validation, test=test)


def _made(dataset: Dataset, rule: Rule, home: Path, *, by_time: bool) -> Split:
    """The split, made or found: the same version and rule give the same."""
    mark = {"name": dataset.name, "version": dataset.digest, "test": "", "rule": rule.model_dump()}
    mark |= {"by_time": True if by_time else None}

    def make(parent: Split | None) -> Split:
        about = {
            "clusters": checking.clusters(dataset.records, dataset.content),
            "version": dataset.digest,
        }
        if by_time:
            return split_by_time(dataset.records, dataset.content, rule, **about)
        return splitting.split(dataset.records, dataset.content, rule, parent=parent, **about)

    def follows(entry: splits.Entry) -> bool:
        """By the same plain rule, of another version, and with a test side of its own."""
        same = entry["rule"] == rule.model_dump() and entry["version"] != dataset.digest
        return same and not entry["test"] and not entry.get("by_time") and not by_time

    return splits.kept(home, mark, make, follows)


def _told(made: Split, dataset: Dataset) -> dict[str, Any]:
    sides = {name: getattr(made, name).tolist() for name in SIDES}
    labels = {
        name: dict(
            Counter(label for i in rows for label in dataset.content.labels(dataset.records[i])).most_common()
        )
        for name, rows in sides.items()
    }
    counts = {name: len(rows) for name, rows in sides.items()}
    placed = {index for rows in sides.values() for index in rows}
    left_out = [is_made(row) for index, row in enumerate(dataset.records) if index not in placed]
    return {
        "split": made.digest,
        "parent": made.parent,
        "rows": len(dataset.records),
        "sides": counts,
        "none": len(left_out) - sum(left_out),
        "made_left_out": sum(left_out),
        "groups": len(set(made.groups.tolist())),
        "labels": labels,
        "moved": [dict(move) for move in made.moved],
        "findings": [finding.to_json() for finding in made.findings],
    }


def sides(dataset: Dataset, home: Path) -> list[str]:
    """The side of each row: of the newest split of its version, else what its rows say themselves; '' for none."""
    entries = reversed(splits.journal(home))
    entry = next((e for e in entries if dataset.digest and e["version"] == dataset.digest), None)
    if entry is None:
        return [str(row.fields.get("split") or "") for row in dataset.records]
    made = splits.load_split(home, entry["digest"])
    found = [""] * len(dataset.records)
    for name in SIDES:
        for index in getattr(made, name).tolist():
            found[index] = name
    return found


def by_side(dataset: Dataset, home: Path) -> dict[str, list[Record]]:
    """{side: rows}, those without any left out.  Raises UsageError F037 where nothing divides them."""
    found: dict[str, list[Record]] = {}
    for row, side in zip(dataset.records, sides(dataset, home), strict=True):
        if side:
            found.setdefault(side, []).append(_bare(row))
    if not found:
        raise UsageError(
            "F037",
            f"the rows of {dataset.ref} are not divided",
            expected="a version with a split, or rows with a column 'split'",
            fixes=(f"tunesmith data split {dataset.ref}",),
            where=dataset.ref,
        )
    return {name: found[name] for name in sorted(found, key=_order)}


def _bare(row: Record) -> Record:
    return replace(row, fields={name: value for name, value in row.fields.items() if name != "split"})


def _order(name: str) -> tuple[int, str]:
    return (SIDES.index(name) if name in SIDES else len(SIDES), name)
