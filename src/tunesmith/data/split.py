"""Divide rows into train, validation and test so that nothing leaks and a row keeps its side whatever is added later."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import key_of, label_of, normalise, plural, row_id, shown, text_of
from tunesmith.data.sides import SIDES, Unit, assign, top_up
from tunesmith.data.twins import Forest, twins
from tunesmith.data.version import finding_from_json
from tunesmith.errors import DataError, IntegrityError, MissingError
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Task
from tunesmith.recipe import sections
from tunesmith.store import files

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Split:
    """Which row is on which side.

    train, validation, test: row positions, int64, ascending; a row that bridges two pinned sides is in none.
    groups: for each row (then each row of the test file) the id of its group: near-duplicates and equal group values.
    sides: row key → side, and texts: hash of the normalised text → side, of these rows and of all ancestors'; the
    second keeps a row on its side when its label was corrected.  moved: the groups that the top-up moved, with
    {rows, label, from, to}.  external: a test file was given, so the proof is done on it and not on `test` (which
    then holds only rows that an ancestor had pinned there).
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    groups: np.ndarray
    sides: Mapping[str, str]
    texts: Mapping[str, str]
    rule: Mapping[str, float]
    moved: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    external: bool = False
    version: str = ""
    parent: str = ""
    digest: str = field(default="")

    def records(
        self, records: Sequence[Record], test_records: Sequence[Record] | None = None
    ) -> dict[str, list[Record]]:
        """The rows of each side; `test` is the test file's rows where there is one."""
        sides = {name: [records[index] for index in getattr(self, name)] for name in SIDES}
        if self.external:
            sides["test"] = list(test_records or ())
        return sides


def split(
    records: Sequence[Record],
    task: Task,
    rule: sections.Split,
    *,
    clusters: np.ndarray | None = None,
    parent: Split | None = None,
    test_records: Sequence[Record] | None = None,
    version: str = "",
) -> Split:
    """Divide rows by the hash of their group's key alone, then top up small classes by a listed rule.

    A group is joined by near-duplicate texts and by equal values of the task's group field; its key is the smallest
    hash of its group values, or of its normalised texts where it has none.  Rows that `parent` knows keep their side.
    clusters: `twins` of the rows' texts followed by the test rows' texts; computed here when not given.
    version: digest of the dataset version, noted in the split.  Raises DataError S602 with fewer than three groups
    (two with a test file): then no row can be held out.
    """
    external = test_records is not None
    rows = [*records, *(test_records or ())]
    texts = _texts(rows, task)
    near = twins(texts) if clusters is None else np.asarray(clusters)
    if len(near) != len(rows):
        raise ValueError(f"{len(near)} cluster ids for {len(rows)} rows")
    hashes, values = [_hash(text) for text in texts], _group_values(rows, task)
    pins = [_pin(parent, key_of(row), text) for row, text in zip(records, hashes, strict=False)]
    units = _units(records, task, _groups(hashes, values, near, len(records)), hashes, values, pins)
    shares = {"test": 0.0 if external else rule.test, "validation": rule.validation}
    _require_groups(units, shares, external)
    units = assign(units, shares)
    units, moved = top_up(units, shares)
    sides = _row_sides(units, pins)
    groups = _groups(hashes, values, near, len(rows))
    joint = _joint(records, sides, hashes)
    return Split(
        *(np.array([i for i, side in enumerate(sides) if side == name], dtype=np.int64) for name in SIDES),
        groups=groups,
        sides={**(parent.sides if parent else {}), **joint[0]},
        texts={**(parent.texts if parent else {}), **joint[1]},
        rule=rule.model_dump(),
        moved=tuple(_move_json(move, records) for move in moved),
        findings=tuple(_findings(records, sides, groups, values, hashes)),
        external=external,
        version=version,
        parent=parent.digest if parent else "",
    )


def save_split(made: Split, home: Path) -> Split:
    """Write a split as `home/splits/<digest>.json` (the digest is the file's SHA-256); return it with its digest."""
    content = files.canonical_json(_to_json(made))
    digest = hashlib.sha256(content).hexdigest()
    path = home / "splits" / f"{digest}.json"
    if not path.exists():
        files.write(path, content)
    return replace(made, digest=digest)


def load_split(home: Path, digest: str) -> Split:
    """Read a split.  Raises MissingError F014 where there is none, IntegrityError I302 where it is not its digest's."""
    path = home / "splits" / f"{digest}.json"
    if not digest.isalnum() or not path.is_file():
        raise MissingError(
            "F014",
            f"there is no split {digest[:12]!r}",
            expected="the digest of a split that was made in this home",
            fixes=("tunesmith up FILE",),
            where=str(home / "splits"),
        )
    if files.sha256(path) != digest:
        raise IntegrityError(
            "I302",
            f"{path.name} has other content than its SHA-256 says",
            expected="the file exactly as it was written",
            fixes=("tunesmith up FILE",),
            where=str(path),
        )
    return _from_json(files.read_json(path), digest)
