"""The dataset version: rows and their schema, named by their content hash, immutable on disk."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith.data import forgotten, journal, stored
from tunesmith.data.journal import find as find
from tunesmith.data.journal import latest as latest
from tunesmith.data.journal import numbered as numbered
from tunesmith.data.stored import StoredRows, line
from tunesmith.errors import IntegrityError, MissingError
from tunesmith.fields import Broken, Record, row_key
from tunesmith.findings import Finding, Fix, Place
from tunesmith.store import files

FORMAT = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(r"(?P<source>.*):(?P<line>\d+)(?: \(byte (?P<byte>\d+)\))?", re.DOTALL)


@dataclass(frozen=True)
class DatasetVersion:
    """Rows that will not change any more.

    digest: SHA-256 over format, content name, field names and the content hashes of the rows in order; places,
    findings, times and paths are not in it, so that equal rows have one digest on any machine.  changes: what
    cleaning did (`cleaning.undo` takes it back).  parent: digest of the version before, or ''.  steps: what was done
    from the sources to here, each {verb, …its options}.  sources: what is known of each file ({name, sha256, licence,
    form}).  Findings read back from disk are without the row lists of
    their fixes.
    """

    digest: str
    records: Sequence[Record]
    content: str
    fields: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()
    broken: tuple[Broken, ...] = ()
    parent: str = ""
    steps: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()


def make_version(
    records: Iterable[Record],
    *,
    content: str,
    fields: Sequence[str],
    findings: Iterable[Finding] = (),
    changes: Iterable[Mapping[str, Any]] = (),
    broken: Iterable[Broken] = (),
    parent: str = "",
    steps: Iterable[Mapping[str, Any]] = (),
    sources: Iterable[Mapping[str, Any]] = (),
) -> DatasetVersion:
    """A version of rows as they are after cleaning; their places keep the file's name and lose its folder.

    content: the name of what the rows hold.  fields: the names of its fields.
    """
    rows: Sequence[Record] = records if isinstance(records, StoredRows) else tuple(map(_settled, records))
    digest = _digest(rows, content, fields)
    lost = tuple(Broken(_nameless(row.place), row.reason, row.fix, row.raw) for row in broken)
    parts = tuple(findings), tuple(changes), lost
    return DatasetVersion(digest, rows, content, tuple(fields), *parts, parent, tuple(steps), tuple(sources))


def _settled(row: Record) -> Record:
    return Record(row.fields, _nameless(row.place), row_key(row.fields))


def save(version: DatasetVersion, home: Path, name: str = "") -> Path:
    """Write a version as a sealed folder `home/data/<2 digits>/<digest>`; what is there already stays.

    name: the data set's name (a slug); that it stands for this version now is noted in the journal.
    """
    goal = _folder(home, version.digest)
    if not goal.exists():
        making = goal.with_name(f".{version.digest}.{secrets.token_hex(4)}.tmp")
        try:
            _fill(making, version)
            files.seal(making)
            files.move_folder(making, goal)
        finally:
            files.remove(making)
    if name:
        how = {"parent": version.parent, "steps": list(version.steps), "sources": list(version.sources)}
        journal.note(home, name, version.digest, **how)
    return goal


def load(home: Path, digest: str, name: str = "") -> DatasetVersion:
    """Read a version after checking every file and the rows' own hash.

    name: under which it is looked for; then parent, steps and sources are those by which that name came to it.
    Raises MissingError F013 where there is none, IntegrityError I302 where it is not what was written.
    """
    folder = _folder(home, digest) if _DIGEST.fullmatch(digest) else home / "data"
    if not (folder / files.MANIFEST).is_file():
        if at := forgotten.when(home, digest):
            raise _gone(digest, at)
        raise MissingError(
            "F013",
            f"there is no dataset version {digest[:12]!r}",
            expected="the digest of a version that was made in this home",
            fixes=("tunesmith up FILE", "tunesmith … --home DIR   (the home in which it was made)"),
            where=str(home / "data"),
        )
    files.verify(folder)
    found = _read(folder, digest)
    how = journal.noted(home, name, digest) if name else {}
    if not how:
        return found
    return replace(found, parent=how["parent"], steps=tuple(how["steps"]), sources=tuple(how["sources"]))


def _gone(digest: str, at: str) -> MissingError:
    return MissingError(
        "P324",
        f"the rows of the version {digest[:12]} were forgotten on {at[:10]}",
        expected="a version that still has its rows",
        fixes=("tunesmith data ls",),
        where=digest[:12],
    )


def finding_from_json(value: Mapping[str, Any]) -> Finding:
    """A finding from its `to_json`; its fix comes back without row lists."""
    fix = value["fix"]
    return Finding(
        **{name: value[name] for name in ("code", "severity", "message", "count", "fixed", "ignored")},
        places=tuple(place_from_text(text) for text in value["places"]),
        numbers=dict(value["numbers"]),
        fix=Fix(fix["command"], fix["effect"], fix["safe"]) if fix else None,
    )


def place_from_text(text: str) -> Place:
    """The inverse of `str(place)`."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return Place(text, 0)
    return Place(found["source"], int(found["line"]), int(found["byte"] or -1))


def _digest(rows: Iterable[Record], content: str, fields: Sequence[str]) -> str:
    schema = {"format": FORMAT, "content": content, "fields": list(fields)}
    digest = hashlib.sha256(files.canonical_json(schema))
    for row in rows:
        digest.update(row.key.encode() + b"\n")
    return digest.hexdigest()


def _folder(home: Path, digest: str) -> Path:
    return home / "data" / digest[:2] / digest


def _nameless(place: Place) -> Place:
    return Place(place.source.rpartition("/")[2], place.line, place.byte, place.name)


def _fill(folder: Path, version: DatasetVersion) -> None:
    files.write(folder / "rows.jsonl", (line(_settled(row)) for row in version.records))
    files.write(folder / "changes.jsonl", _lines(version.changes))
    files.write(folder / "quarantine.jsonl", _lines(map(_broken_json, version.broken)))
    files.write_json(folder / "findings.json", [finding.to_json() for finding in version.findings])
    about = {
        "format": FORMAT,
        "digest": version.digest,
        "content": version.content,
        "fields": list(version.fields),
    }
    about |= {"rows": len(version.records), "parent": version.parent}
    about |= {"steps": list(version.steps), "sources": list(version.sources)}
    files.write_json(folder / "version.json", about)


def _read(folder: Path, digest: str) -> DatasetVersion:
    about = files.read_json(folder / "version.json")
    path = folder / "rows.jsonl"
    large = path.stat().st_size > stored.LARGE
    rows = StoredRows.open(path) if large else tuple(_settled(_row(value)) for value in _values(path))
    # the keys are made anew: a folder that was altered and sealed again still has another digest
    if _digest(map(_settled, rows) if large else rows, about["content"], about["fields"]) != digest:
        raise IntegrityError(
            "I302",
            "rows.jsonl holds other rows than its version says",
            expected="the folder exactly as it was written",
            fixes=("tunesmith up FILE",),
            where=str(folder / "rows.jsonl"),
        )
    return DatasetVersion(
        digest,
        rows,
        about["content"],
        tuple(about["fields"]),
        tuple(finding_from_json(value) for value in files.read_json(folder / "findings.json")),
        tuple(_values(folder / "changes.jsonl")),
        tuple(_broken(value) for value in _values(folder / "quarantine.jsonl")),
        about["parent"],
        tuple(about["steps"]),
        tuple(about["sources"]),
    )


def _row(value: Mapping[str, Any]) -> Record:
    return Record(value["fields"], Place(*value["place"]))


def _broken_json(row: Broken) -> dict[str, Any]:
    place = row.place
    return {
        "text": f"{place} — {row.reason} — {row.fix}",
        "place": place.to_json(),
        "reason": row.reason,
        "fix": row.fix,
        "raw": row.raw,
    }


def _broken(value: Mapping[str, Any]) -> Broken:
    return Broken(Place(*value["place"]), value["reason"], value["fix"], value["raw"])


def _lines(values: Iterable[Any]) -> Iterable[bytes]:
    # ASCII escapes keep lone surrogates, which UTF-8 can't hold; a date becomes its text, as in the row's key
    return (json.dumps(value, ensure_ascii=True, default=str).encode() + b"\n" for value in values)


def _values(path: Path) -> Iterable[Any]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)
