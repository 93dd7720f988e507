"""What checks found in rows is kept on disk, so that a second run over the same rows reads it.

The name of a kept file is the SHA-256 of all that findings depend on: the rows with their places, the test file's,
what the checks were told, the reasons to ignore, the code of the checks and the versions of libraries.  Its content is
sealed with that name: a file that is damaged, renamed or from elsewhere is set aside and the checks run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from tunesmith import bases, machine
from tunesmith.errors import CapacityError, TunesmithError
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.store import files

FEWEST = 512  # rows that are worth a file
LIBRARIES = ("rensa", "jinja2", "regex")  # that checks compute with, beside `machine.LIBRARIES`
CODE = (
    "data",
    "inputs",
    "parts.py",
    "fields.py",
    "findings.py",
    "lifecycle/seeing.py",
    "lifecycle/judged.py",
)
CLOCK = b"strftime_now"  # by which a template reads today's date
GROUPS = ("tunesmith.check", "tunesmith.content", "tunesmith.task")
Judging = Generator[Any, None, list[Finding]]


def kept(home: Path, about: Mapping[str, Any], rows: Sequence[Sequence[Record]], judge: Judging) -> Judging:
    """The findings of `judge`, or those that it found before.

    about: what findings depend on beside the rows, as JSON.  rows: those that are judged, and any that they are
    compared with.  Plug-ins of installed packages may read anything: with one, nothing is kept.
    """
    if sum(map(len, rows)) < FEWEST or any(entry_points(group=group) for group in GROUPS):
        return (yield from judge)
    name = _name(about, rows)
    path = home / "cache" / "findings" / f"{name}.json"
    found = _read(path, name)
    if found is None:
        found = yield from judge
        _keep(path, name, found)
    else:
        judge.close()
    return found


def of_base(name: str, offline: bool) -> list[Any]:
    """What the checks are told of a base: the small files of its folder (tokenizer, template, configuration)."""
    folder = bases.resolve(name, offline=offline).folder
    small = sorted(each for kind in ("*.json", "*.jinja", "*.txt", "*.model") for each in folder.glob(kind))
    today = str(datetime.now(UTC).date()) if any(CLOCK in each.read_bytes() for each in small) else ""
    return [[each.name, files.sha256(each)] for each in small] + [today]


def _name(about: Mapping[str, Any], rows: Sequence[Sequence[Record]]) -> str:
    libraries = {library: _version(library) for library in LIBRARIES} | machine.versions()
    value = [dict(about), [_digest(each) for each in rows], libraries, _code()]
    return hashlib.sha256(files.canonical_json(value)).hexdigest()


def _digest(rows: Iterable[Record]) -> str:
    hashed = hashlib.sha256()
    for row in rows:
        hashed.update(f"{row.key} {row.place.to_json()}\n".encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def _code() -> str:
    """SHA-256 of the code that checks, a plug-in's in the folder of plug-ins too."""
    home = Path(__file__).parent.parent
    plugins = os.environ.get("TUNESMITH_PLUGINS")
    found = [path for name in CODE for path in _sources(home / name)]
    found += _sources(Path(plugins)) if plugins else []
    return hashlib.sha256(b"".join(f"{path}\n".encode() + path.read_bytes() for path in found)).hexdigest()


def _sources(place: Path) -> Iterator[Path]:
    yield from [place] if place.is_file() else sorted(place.rglob("*.py"))


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


# ---- on disk ----------------------------------------------------------------------------------------------------


def _keep(path: Path, name: str, found: Sequence[Finding]) -> None:
    """Write the findings where JSON gives the very same back, and where there is room."""
    plain = [asdict(finding) for finding in found]
    try:
        content = files.canonical_json(plain)
        files.write_json(path, {"findings": plain, "seal": _seal(name, content)})
        if _read(path, name) != list(found):
            files.remove(path)
    except (CapacityError, TypeError, ValueError):
        files.remove(path)


def _read(path: Path, name: str) -> list[Finding] | None:
    """The findings of a kept file; None where there is none.  One that is not what was written is set aside."""
    if not path.is_file():
        return None
    try:
        value = files.read_json(path)
        if value["seal"] == _seal(name, files.canonical_json(value["findings"])):
            return [_finding(each) for each in value["findings"]]
    except (TunesmithError, KeyError, TypeError, ValueError):
        pass
    files.set_aside(path, "damaged")
    return None


def _seal(name: str, content: bytes) -> str:
    return hashlib.sha256(name.encode() + content).hexdigest()


def _finding(value: Mapping[str, Any]) -> Finding:
    fix = value["fix"]
    if fix is not None:
        edits = tuple((row, path, fresh) for row, path, fresh in fix["edits"])
        fix = Fix(**{**fix, "drops": tuple(fix["drops"]), "edits": edits})
    return Finding(**{**value, "fix": fix, "places": tuple(Place(**place) for place in value["places"])})
