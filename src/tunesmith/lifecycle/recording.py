"""Pass events on, keep them, and write them into the run's log as they pass."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tunesmith.events import Event
from tunesmith.store import runs


def kept(
    events: Generator[Event, None, Any], run_: runs.Run | None = None
) -> Generator[Event, None, tuple[list[Event], Any]]:
    """Pass events on, into the run's log too once there is one; return them all with the generator's value."""
    seen: list[Event] = []
    while True:
        try:
            event = next(events)
        except StopIteration as ended:
            return seen, ended.value
        if run_:
            run_.append(event)
        seen.append(event)
        yield event


def through(events: Generator[Event, None, Any], run_: runs.Run) -> Generator[Event, None, Any]:
    """Pass events on and into the run's log; return the generator's value."""
    return (yield from kept(events, run_))[1]
