"""Learning rates that were tried before: kept beside the results, so that a grid runs once for a work and its versions.

`rates/ROW.json` holds, by a SHA-256 of all that a look depends on, what each rate of an arm gave.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import files, hardware
from bench.row import Arm

Looks = list[dict[str, Any]]


class Rates:
    """What is known of a row's rates.  again: nothing that was kept is read."""

    def __init__(self, path: Path, *, again: bool = False) -> None:
        self.path, self.again = path, again

    def known(self, arm: Arm) -> Looks | None:
        """The looks at the arm's rates, None where they were not all tried on this work, machine and versions."""
        kept = None if self.again else files.read(self.path).get(key(arm))
        return kept["looks"] if kept else None

    def keep(self, arm: Arm, looks: Looks) -> None:
        """Write them down, whole or not at all."""
        said = {"arm": arm.name, "date": datetime.date.today().isoformat(), "looks": looks}
        files.write(self.path, {**files.read(self.path), key(arm): said})


def key(arm: Arm) -> str:
    """Of the program, its settings, the content of the files that they name, the rates, the machine, the versions."""
    task = {**arm.task, **arm.shorter, "rate": None}
    about = {
        "script": arm.script,
        "task": _content(task),
        "rates": list(arm.rates) or [arm.task.get("rate")],
        "processor": hardware.processor(),
        "versions": hardware.installed(arm.python),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


def _content(value: Any) -> Any:
    """A setting whose paths are told by what is there: files by content, folders by their files' sizes."""
    if isinstance(value, Mapping):
        return {name: _content(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_content(each) for each in value]
    if isinstance(value, str) and value.startswith("/") and Path(value).exists():
        return _digest(Path(value))
    return value


def _digest(path: Path) -> Any:
    if path.is_dir():
        return sorted((each.name, each.stat().st_size) for each in path.iterdir() if each.is_file())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
