"""Verbs on more rows than memory holds: from disk to disk, a few hundred bytes of memory a row."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.data import checking, wide
from tunesmith.data.sides import SIDES, Move
from tunesmith.data.stored import StoredRows
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Progress, Saved, Stage
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Form
from tunesmith.recipe.sections import Split as Rule
from tunesmith.store import files


def is_large(dataset: Dataset) -> bool:
    """Whether the rows are on disk because they are too many for memory."""
    return isinstance(dataset.records, StoredRows)


def divided(dataset: Dataset, rule: Rule, out: str, *, by_time: bool = False) -> Iterator[Event]:
    """Write a folder with a file for each side, by the rule of `data split`: Finished(Result).

    Raises UsageError C135 without a folder, F039 where it is there already, C136 where the rows say themselves where
    they belong, or time is to decide: from disk only the plain rule is kept.
    """
    _require_free(dataset, out)
    _require_plain(dataset, by_time)
    yield Stage("split", f"{len(dataset.records):,} rows, from disk to {out}")
    known = yield from wide.surveyed(dataset.records, dataset.content)
    sides, moves = wide.divided(known, {"test": rule.test, "validation": rule.validation})
    written = yield from files_of(dataset, {name: sides == n for n, name in enumerate(SIDES)}, out)
    yield Note("rows of such a size are no version of their own: the files are what was made")
    values = {"data": dataset.ref, "name": dataset.name, "version": "", "split": "", "parent": "", "none": 0}
    values |= {"rows": len(dataset.records), "groups": len(np.unique(known.groups)), "files": written}
    values |= {"sides": {name: int((sides == n).sum()) for n, name in enumerate(SIDES)}, "findings": []}
    values |= {"labels": {name: _counted(known, sides == n) for n, name in enumerate(SIDES)}}
    values |= {"moved": [_moved(each) for each in moves]}
    yield Finished(Result(values))


def _moved(move: Move) -> dict[str, Any]:
    return {"label": move.label, "from": move.unit.side, "to": move.goal, "rows": list(move.unit.rows)}


def _counted(known: wide.Surveyed, rows: np.ndarray) -> dict[str, int]:
    counts = np.bincount(known.labels[rows & (known.labels >= 0)], minlength=len(known.names))
    return {known.names[n]: int(counts[n]) for n in np.argsort(-counts, kind="stable") if counts[n]}


def _require_plain(dataset: Dataset, by_time: bool) -> None:
    said = [
        *["time"] * by_time,
        *(f"its field {name}" for name in ("split", "origin") if name in dataset.fields),
    ]
    if said:
        raise UsageError(
            "C136",
            f"{dataset.ref} is divided from disk, and {said[0]} would be passed over",
            expected="rows that the hash of their group alone divides",
            fixes=(f"tunesmith data sample {dataset.ref} 200000",),
            where=dataset.ref,
        )


def deduped(dataset: Dataset, threshold: float, out: str) -> Iterator[Event]:
    """Write a folder with one file, in which the first row of each cluster of near-duplicates stays: Finished(Result).

    Raises as `divided`.
    """
    _require_free(dataset, out)
    yield Stage("dedupe", f"{len(dataset.records):,} rows, from disk to {out}")
    clusters = yield from checking.clustered(dataset.records, dataset.content, threshold)
    stays = clusters == np.arange(len(clusters))
    written = yield from files_of(dataset, {"rows": stays}, out)
    values: dict[str, Any] = {
        "data": dataset.ref,
        "version": "",
        "digest": "",
        "parent": "",
        "files": written,
    }
    values |= {"rows_before": len(dataset.records), "rows": int(stays.sum()), "dropped": int((~stays).sum())}
    yield Finished(Result({**values, "by_code": {}, "left": [], "findings": []}))


def _require_free(dataset: Dataset, out: str) -> None:
    if not out:
        raise UsageError(
            "C135",
            f"{dataset.ref} holds {len(dataset.records):,} rows, more than are kept as a version",
            expected="a folder to write to",
            fixes=("--out FOLDER",),
            where=dataset.ref,
        )
    if Path(out).exists():
        raise UsageError(
            "F039",
            f"{out} is there already",
            expected="a name that is free: nothing is written over",
            fixes=(f"--out {out}-2",),
            where=out,
        )


def files_of(
    dataset: Dataset, keeps: Mapping[str, np.ndarray], out: str
) -> Generator[Event, None, list[dict[str, Any]]]:
    """Write `out/NAME.jsonl` with the rows that are kept under each name.  Raises UsageError F039."""
    _require_free(dataset, out)
    written = []
    for name, keep in keeps.items():
        written.append((yield from _written(dataset, keep, Path(out) / f"{name}.jsonl")))
    return written


def _written(dataset: Dataset, keep: np.ndarray, path: Path) -> Generator[Event, None, dict[str, Any]]:
    """Write the rows that are kept, as they were read."""
    form: Form = catalog.part("form", dataset.form)()
    begun, count, total = time.monotonic(), 0, int(keep.sum())
    with files.writing(path) as write:
        for row, kept in zip(dataset.records, keep, strict=True):
            if not kept:
                continue
            context = {key: row.fields[key] for key in dataset.context if key in row.fields}
            line = {**form.render(row.fields), **context}
            write(json.dumps(line, ensure_ascii=True, default=str).encode() + b"\n")
            count += 1
            if count % 50_000 == 0:
                yield Progress("write", count, total, time.monotonic() - begun)
    yield Saved("export", str(path))
    return {"file": str(path), "rows": total}
