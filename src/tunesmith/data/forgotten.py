"""Versions whose rows were removed for good: a log keeps that they were, and when they went."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tunesmith.store import files


def forget(home: Path, digest: str) -> None:
    """Note that a version goes, then remove its rows; safe to repeat where it was cut off."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    files.append(_log(home), {"digest": digest, "at": at})
    files.remove(_folder(home, digest))


def when(home: Path, digest: str) -> str:
    """When a version was last forgotten (ISO 8601, UTC); '' where it never was."""
    return next(
        (line["at"] for line in reversed(list(files.read_log(_log(home)))) if line["digest"] == digest), ""
    )


def holds(home: Path, digest: str) -> bool:
    """Whether the home holds the rows of a version."""
    return (_folder(home, digest) / files.MANIFEST).is_file()


def _folder(home: Path, digest: str) -> Path:
    return home / "data" / digest[:2] / digest


def _log(home: Path) -> Path:
    return home / "data" / "forgotten.jsonl"
