"""The names of dataset versions: a journal says which versions a name has had, and how each came to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunesmith.store import files


def note(home: Path, name: str, digest: str, **how: Any) -> None:
    """Write down that a name stands for a version from now on.

    how: parent, steps, sources; aside: more is known of the version, and the name stays where it is.  The same rows
    may come by two ways, and a version is named by its rows alone: so the way stands here too, beside the name.
    """
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    files.append(_journal(home), {"name": name, "digest": digest, "at": at, **how})


def notes(home: Path, name: str = "") -> Iterator[Mapping[str, Any]]:
    """What was noted, oldest first; of all names, where it is ''."""
    return (line for line in files.read_log(_journal(home)) if name in ("", line.get("name")))


def noted(home: Path, name: str, digest: str) -> Mapping[str, Any]:
    """How a name last came to a version; empty where it never did."""
    lines = [line for line in notes(home, name) if line["digest"] == digest and "steps" in line]
    return lines[-1] if lines else {}


def numbered(home: Path) -> dict[str, list[str]]:
    """{name: digests of its versions}: `name@1` is the first that was saved under the name."""
    found: dict[str, list[str]] = {}
    for line in notes(home):
        known = found.setdefault(line["name"], [])
        if line["digest"] not in known:
            known.append(line["digest"])
    return found


def find(home: Path, ref: str) -> str:
    """The digest that 'name', 'name@2' or the first six or more digits of a digest stand for; '' for none."""
    known = numbered(home)
    name, _, number = ref.partition("@")
    if name in known and (not number or (number.isdecimal() and 0 < int(number) <= len(known[name]))):
        return known[name][int(number) - 1] if number else latest(home, name)
    if not re.fullmatch(r"[0-9a-f]{6,64}", ref):
        return ""
    found = {folder.name for folder in (home / "data" / ref[:2]).glob(f"{ref}*") if len(folder.name) == 64}
    return found.pop() if len(found) == 1 else ""


def named(home: Path, digest: str, name: str = "") -> str:
    """The reference of a version for people: 'tickets@2', under that name where it has several; else 12 digits."""
    known = numbered(home)
    for each in [name] * (name in known) + sorted(known):
        if digest in known[each]:
            return f"{each}@{known[each].index(digest) + 1}"
    return digest[:12]


def latest(home: Path, name: str) -> str:
    """The digest of the version that a name stands for now, or ''."""
    found = ""
    for line in notes(home, name):
        found = found if line.get("aside") else line["digest"]
    return found


def _journal(home: Path) -> Path:
    return home / "data" / "names.jsonl"
