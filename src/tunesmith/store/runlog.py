"""The events of a run on disk: which lines count after an interruption, and how a log is followed."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith import events
from tunesmith.store import files

RESUMED, FAILED, INTERRUPTED = "resumed", "failed", "interrupted"  # stages that end or restart a run's story
Line = dict[str, Any]


def read(path: Path) -> Iterator[Line]:
    """Every whole line that is an event."""
    return (line for line in files.read_log(path) if _is_event(line))


def _is_event(line: Any) -> bool:
    return isinstance(line, dict) and line.get("event") in events.KINDS


def settled(lines: Iterable[Line]) -> list[Line]:
    """Without what was recorded after the checkpoint that a later resume went back to."""
    kept: list[Line] = []
    for line in lines:
        if is_stage(line, RESUMED):
            kept = [old for old in kept if not _undone(old, line.get("step", math.inf))]
        kept.append(line)
    return kept


def _undone(line: Mapping[str, Any], step: float) -> bool:
    repeated = line["event"] in {"step", "measured"} or (
        line["event"] == "saved" and line["kind"] == "checkpoint"
    )
    return repeated and line.get("step", 0) > step


def is_stage(line: Mapping[str, Any], *stages: str) -> bool:
    """Whether a line says that one of these stages began."""
    return line["event"] == "stage" and line["name"] in stages


def last_word(lines: Iterable[Line]) -> Line | None:
    """The last line that ends or restarts the story."""
    last = None
    for line in lines:
        if line["event"] == "finished" or is_stage(line, RESUMED, FAILED, INTERRUPTED):
            last = line
    return last


def ended(lines: Iterable[Line], before: bool) -> bool:
    """Whether the story has ended after these lines, given whether it had before them."""
    last = last_word(lines)
    return before if last is None else not is_stage(last, RESUMED)


def read_from(path: Path, offset: int, end: int = -1) -> tuple[int, list[Line]]:
    """Whole lines from a byte offset on, and the offset behind the last of them."""
    if not path.exists():
        return offset, []
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read(end - offset if end >= 0 else -1)
    content = content[: content.rfind(b"\n") + 1]
    lines = []
    for line in content.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    return offset + len(content), [line for line in lines if _is_event(line)]
