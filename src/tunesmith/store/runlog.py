"""The events of a run on disk: which lines count after an interruption, and how a log is followed."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith import events
from tunesmith.events import Event, Note
from tunesmith.store import files

FAILED, INTERRUPTED = "failed", "interrupted"  # stages that end a run's story
RESUMED = "resumed"  # the key of a line from which the story goes on: the step of the checkpoint
_RESUMED = re.compile(r"resumed at step (\d+)\b")
Line = dict[str, Any]


def to_line(event: Event) -> Line:
    """An event as it stands in the log; a note 'resumed at step N' gets the key that `settled` looks for."""
    line = events.to_json(event)
    if isinstance(event, Note) and (told := _RESUMED.match(event.text)):
        line[RESUMED] = int(told[1])
    return line


def read(path: Path) -> Iterator[Line]:
    """Every whole line that is an event."""
    return (line for line in files.read_log(path) if _is_event(line))


def _is_event(line: Any) -> bool:
    return isinstance(line, dict) and line.get("event") in events.KINDS


def settled(lines: Iterable[Line]) -> list[Line]:
    """Without what was recorded after the checkpoint that a later resume went back to."""
    kept: list[Line] = []
    for line in lines:
        if RESUMED in line:
            kept = [old for old in kept if not _undone(old, line[RESUMED])]
        kept.append(line)
    return kept


def _undone(line: Mapping[str, Any], step: int) -> bool:
    repeated = line["event"] in {"step", "measured"} or (
        line["event"] == "saved" and line["kind"] == "checkpoint"
    )
    return repeated and line.get("step", 0) > step


def _is_stage(line: Mapping[str, Any], *stages: str) -> bool:
    return line["event"] == "stage" and line["name"] in stages


def last_word(lines: Iterable[Line]) -> Line | None:
    """The last line that ends or restarts the story."""
    last = None
    for line in lines:
        if line["event"] == "finished" or RESUMED in line or _is_stage(line, FAILED, INTERRUPTED):
            last = line
    return last


def ended(lines: Iterable[Line], before: bool) -> bool:
    """Whether the story has ended after these lines, given whether it had before them."""
    last = last_word(lines)
    return before if last is None else RESUMED not in last


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
