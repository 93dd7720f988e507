"""What an audit was worth: the model trained after it against the one before, on rows that neither has seen."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tunesmith.data import groups, writing
from tunesmith.data.split import Split, load_split
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Event, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, judging
from tunesmith.registry import Registry


def worth(
    ref: str,
    before: str,
    after: str,
    on: str = "",
    *,
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Two models on the same rows: Finished(Result) of a comparison.

    on: a file with labels; without it the rows of the audited data that stand on the test side of both models' splits,
    with the labels as the audit left them.  Raises UsageError L219 where there are none.
    """
    columns = fields or {}
    if not on:
        rows, columns = yield from _test_side(ref, (before, after), home_folder(home))
        on = str(rows)
    yield from judging.compare([before, after], on, fields=columns, home=home)


def _test_side(
    ref: str, models: Sequence[str], home: Path
) -> Generator[Event, None, tuple[Path, dict[str, str]]]:
    """(a file of the rows, which column is which field)."""
    try:
        dataset = yield from datasets.opened(ref, home)
        dataset = yield from datasets.saved(dataset, home)
        splits = [_split(model, home) for model in models]
    except MissingError as lacking:
        raise _no_rows(ref, models, lacking.found) from None
    texts = groups.marks(dataset.records, dataset.content, np.arange(len(dataset.records))).texts
    held = [
        row
        for row, text in zip(dataset.records, texts, strict=True)
        if all(split.texts.get(text) == "test" for split in splits)
    ]
    if not held:
        raise _no_rows(ref, models, f"no row of {ref} is on the test side of both models' splits")
    names = [field.name for field in dataset.content.fields if field.required]
    path = home / "audits" / dataset.digest / "test.jsonl"
    writing.write(path, [{name: row.fields.get(name) for name in names} for row in held])
    yield Stage("test side", f"{len(held):,} rows of {dataset.ref} that neither model was fitted on")
    return path, {name: name for name in names}


def _split(model: str, home: Path) -> Split:
    version = Registry(home).find(model)
    return load_split(home, str(dict(version.lineage.get("digests", {})).get("split", "")))


def _no_rows(ref: str, models: Sequence[str], found: str) -> UsageError:
    return UsageError(
        "L219",
        f"there are no rows to compare the models on: {found}",
        expected="DATA with a test side that both models were trained without, or --on FILE with labelled rows",
        fixes=(f"tunesmith data audit {ref} --worth {' '.join(models)} --on test.csv",),
        where="--on",
    )
