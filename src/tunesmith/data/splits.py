"""A split as a value and as a file, and the journal of which version of the data has which."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data.sides import SIDES
from tunesmith.data.version import finding_from_json
from tunesmith.errors import IntegrityError, MissingError
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.store import files

FORMAT = 1
# name, version, test (version of the test file's rows, or ''), rule, digest; by_time where it is true
Entry = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Split:
    """Which row is on which side.

    train, validation, test: row positions, int64, ascending; a row that bridges two pinned sides is in none.
    groups: for each row (then each row of the test file) the id of its group: near-duplicates, equal group values.
    sides: row key → side, and texts: hash of the normalised text → side, of these rows and of all ancestors';
    the second keeps a row on its side when its label was corrected.
    moved: the groups that the top-up moved, as {label, from, to, rows}; label '' stands for all classes.
    external: a test file was given, so the proof is done on it and not on `test` (which then holds only rows
    that an ancestor had pinned there).  digest: set by `save_split`.
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
    digest: str = ""

    def records(
        self, records: Sequence[Record], test_records: Sequence[Record] | None = None
    ) -> dict[str, list[Record]]:
        """The rows of each side by its name; `test` is the test file's rows where there is one."""
        sides = {name: [records[index] for index in getattr(self, name)] for name in SIDES}
        if self.external:
            sides["test"] = list(test_records or ())
        return sides


def save_split(made: Split, home: Path) -> Split:
    """Write a split as `home/splits/<SHA-256 of the file>.json`; return it with that digest."""
    content = files.canonical_json(_to_json(made))
    digest = hashlib.sha256(content).hexdigest()
    path = home / "splits" / f"{digest}.json"
    if not path.exists():
        files.write(path, content)
    return replace(made, digest=digest)


def load_split(home: Path, digest: str) -> Split:
    """Read a split.  Raises MissingError F014 (there is none), IntegrityError I302 (it was altered)."""
    path = home / "splits" / f"{digest}.json"
    if not digest.isalnum() or not path.is_file():
        raise MissingError(
            "F014",
            f"there is no split {digest[:12]!r}",
            expected="the digest of a split that was made in this home",
            fixes=("tunesmith up FILE", "tunesmith … --home DIR   (the home in which it was made)"),
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


def journal(home: Path) -> list[Entry]:
    """Every split that was asked for in this home, the latest last."""
    return list(files.read_log(home / "splits" / "names.jsonl"))


def kept(
    home: Path, mark: Entry, make: Callable[[Split | None], Split], follows: Callable[[Entry], bool]
) -> Split:
    """The split of a version by a rule: the one that was made before, or a child of the name's newest one, saved.

    mark: the entry that it gets, without its digest; a key that is not in it may have any value in an entry that was
    made before.  make: parent → split.  follows: whether the split of an entry of the same name can be its parent.
    """
    entries = journal(home)
    known = [entry for entry in entries if entry.get("name") == mark["name"]]
    same = [entry for entry in known if all(entry.get(key) == value for key, value in mark.items())]
    if same:
        found = load_split(home, same[-1]["digest"])
    else:
        before = next((entry for entry in reversed(known) if follows(entry)), None)
        found = save_split(make(load_split(home, before["digest"]) if before else None), home)
    _note(home, entries, same[-1] if same else {**mark, "digest": found.digest})
    return found


def _note(home: Path, entries: Sequence[Entry], entry: Entry) -> None:
    """Put an entry last in the journal, unless its version's last one says the same."""
    newest = [each for each in entries if each["version"] == entry["version"]][-1:]
    if newest != [entry]:
        plain = {key: value for key, value in entry.items() if value is not None}
        files.append(home / "splits" / "names.jsonl", plain)


def _to_json(made: Split) -> dict[str, Any]:
    value = {name: getattr(made, name).tolist() for name in (*SIDES, "groups")}
    kept = ("sides", "texts", "rule", "external", "version", "parent")
    value |= {name: getattr(made, name) for name in kept}
    found = [finding.to_json() for finding in made.findings]
    return {"format": FORMAT, **value, "moved": list(made.moved), "findings": found}


def _from_json(value: Mapping[str, Any], digest: str) -> Split:
    arrays = {name: np.array(value[name], dtype=np.int64) for name in (*SIDES, "groups")}
    kept = {name: value[name] for name in ("sides", "texts", "rule", "external", "version", "parent")}
    found = tuple(finding_from_json(each) for each in value["findings"])
    return Split(**arrays, **kept, moved=tuple(value["moved"]), findings=found, digest=digest)
