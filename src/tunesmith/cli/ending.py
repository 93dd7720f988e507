"""How a long command goes on and ends: its events followed, an interruption told, its result shown and served."""

from __future__ import annotations

import re
import shlex
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from tunesmith.cli import climbed, interrupt, render
from tunesmith.cli.console import put, put_json, tell
from tunesmith.errors import GateError, Interrupted
from tunesmith.events import Event, Finished
from tunesmith.lifecycle import serving

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


def followed(begin: Callable[[threading.Event], Iterable[Event]], verb: str = "train") -> Any:
    """Do a long verb, telling its events on stderr; Ctrl-C and SIGTERM end it with a way to go on.

    verb: which one resumes its run.
    """
    with interrupt.stoppable() as stopping, render.narrator(stopping) as narrator:
        try:
            for event in begin(stopping.stop):
                if isinstance(event, Finished):
                    return event.result
                narrator.tell(event)
        except KeyboardInterrupt:
            raise _interrupted("interrupted", narrator.run, verb) from None
        except Interrupted as stopped:
            found = RUN_ID.search(stopped.where)
            raise _interrupted(stopped.found, found[0] if found else narrator.run, verb) from None
    return None


def _interrupted(found: str, run: str, verb: str) -> Interrupted:
    again = f"tunesmith {shlex.join(sys.argv[1:])}" if len(sys.argv) > 1 else "the same command again"
    return Interrupted(
        "R130",
        found,
        expected="the work to go on: what was complete is kept" if run else "the work to go on",
        fixes=(f"tunesmith {verb} --resume {run}",) if run else (again,),
        where=f"run {run}" if run else "",
    )


def shown(result: Any, as_json: bool) -> int:
    """The result on stdout; where its server runs, stay until it ends.  8 where the gate is not met."""
    try:
        if as_json:
            put_json(result.to_dict())
        else:
            for line in climbed.model_result(result.to_dict()):
                put(line)
            sys.stdout.flush()
        if result.server is not None:
            _stay(result.server)
    finally:
        if result.server is not None:
            serving.stop(result.server)
    gate = result.to_dict().get("gate") or {"passed": True}
    return 0 if gate["passed"] else GateError.exit_code


def _stay(server: Any) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    with interrupt.handled(leave):
        try:
            serving.wait(server)
        except KeyboardInterrupt:
            tell("stopped")
