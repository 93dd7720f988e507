"""Runs: one folder per execution, with its resolved recipe and an append-only list of typed events.

home/runs/20261120-161500-3fa2/
    recipe.toml        the resolved recipe
    lineage.json       hashes of data, split, base, code; parent
    events.jsonl       what happened, one event a line
    lock               held by the process that executes the run
    checkpoints/       where it can be taken up again
    model/             what the approach left
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunesmith import events
from tunesmith.catalog import nearest
from tunesmith.errors import Interrupted, MissingError, TunesmithError, UsageError
from tunesmith.events import Event, Progress, Stage, Step
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files, runlog
from tunesmith.store.runlog import FAILED, INTERRUPTED

Status = Literal["running", "finished", "failed", "interrupted"]
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_FLUSH_SECONDS = 1.0  # an fsync per optimiser step would cost more than a small step itself
_POLL_SECONDS = 0.2


@dataclass
class Run:
    """One execution.  Only the process inside `hold` may append to it."""

    id: str
    folder: Path
    _waiting: list[dict[str, Any]] = field(default_factory=list, repr=False)
    _flushed: float = field(default=0.0, repr=False)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """The folder in which the approach leaves its files."""
        return self.folder / "model"

    @property
    def log(self) -> Path:
        """The file of the events."""
        return self.folder / "events.jsonl"

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return toml.load(self.folder / "recipe.toml")

    def save_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe, when a probe has decided what it left open."""
        files.write(self.folder / "recipe.toml", toml.dumps(recipe).encode())

    @property
    def lineage(self) -> dict[str, Any]:
        """The hashes of what the run was made from."""
        return files.read_json(self.folder / "lineage.json")

    @contextlib.contextmanager
    def hold(self) -> Iterator[Run]:
        """Execute the run: hold its lock, and on the way out record how it ended.

        Raises UsageError N505 when another process holds it.
        """
        handle = self._lock()
        try:
            yield self
        except (Interrupted, KeyboardInterrupt, GeneratorExit, SystemExit):
            self.append(Stage(INTERRUPTED, f"run {self.id} was interrupted"))
            raise
        except Exception as failure:
            self._record_failure(failure)
            raise
        finally:
            with contextlib.suppress(TunesmithError):  # the disk is full: the error under way says so already
                self.flush()
            os.close(handle)

    def _lock(self) -> int:
        handle = os.open(self.folder / "lock", os.O_RDONLY)
        for _ in range(20):  # who asks for the status holds the lock for an instant
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            time.sleep(0.02)
        os.close(handle)
        raise UsageError(
            "N505",
            f"the run {self.id} is being executed by another process",
            expected="a run that has ended or was interrupted",
            fixes=(f"tunesmith runs watch {self.id}",),
            where=self.id,
        )

    def _record_failure(self, failure: Exception) -> None:
        error = failure.to_json() if isinstance(failure, TunesmithError) else {"found": repr(failure)}
        with contextlib.suppress(
            TunesmithError
        ):  # what is raised is the failure, not that it was not recorded
            self._waiting.append({**runlog.to_line(Stage(FAILED, str(failure))), "error": error})
            self.flush()

    def append(self, event: Event) -> None:
        """Record an event.  Steps wait up to a second for company; progress is not kept.

        A note 'resumed at step N' marks that what came after step N no longer counts (`events` leaves it out).
        """
        if isinstance(event, Progress):
            return
        self._waiting.append(runlog.to_line(event))
        if not isinstance(event, Step) or time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            files.append(self.log, *self._waiting)
        self._waiting, self._flushed = [], time.monotonic()

    def events(self) -> Iterator[Event]:
        """The run's events as if it had never been interrupted."""
        yield from map(events.from_json, runlog.settled(runlog.read(self.log)))

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that a failed run ended with, as JSON."""
        last = runlog.last_word(runlog.read(self.log))
        return last.get("error") if last and last.get("name") == FAILED else None

    @property
    def status(self) -> Status:
        """Running while a process holds the lock; afterwards what the last word of the log says."""
        if self._held():
            return "running"
        last = runlog.last_word(runlog.read(self.log))
        if last and last["event"] == "finished":
            return "finished"
        return "failed" if last and last.get("name") == FAILED else "interrupted"

    def _held(self) -> bool:
        handle = os.open(self.folder / "lock", os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False


# ---- the folder of runs --------------------------------------------------------------------------------


def create(home: Path, recipe: Recipe, lineage: Mapping[str, Any]) -> Run:
    """A new run; its id is the time (UTC) and four random hex digits."""
    runs = files.make_folder(home / "runs")
    with files.lock(runs / ".lock"):
        name = _new_id()
        while (runs / name).exists():
            name = _new_id()
        run = Run(name, files.make_folder(runs / name))
    files.write(run.folder / "lock", b"")
    files.write_json(run.folder / "lineage.json", dict(lineage))
    run.save_recipe(recipe)
    return run


def _new_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def list_runs(home: Path) -> list[Run]:
    """All runs, newest first."""
    found = (path for path in (home / "runs").glob("*") if _ID.fullmatch(path.name))
    complete = (path for path in found if (path / "recipe.toml").is_file())
    return [Run(path.name, path) for path in sorted(complete, reverse=True)]


def open_run(home: Path, name: str) -> Run:
    """The run of an id, which may be shortened at either end while it is unique.

    Raises MissingError N503 (no such run), UsageError N504 (several).
    """
    known = list_runs(home)
    matches = [run for run in known if name and (run.id.startswith(name) or run.id.endswith(name))]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = [run.id for run in matches]
        raise UsageError(
            "N504",
            f"'{name}' fits {len(ids)} runs",
            expected=f"one of: {', '.join(ids[:5])}",
            fixes=(f"tunesmith runs show {ids[0]}",),
            where=name,
        )
    close = nearest(name, [run.id for run in known])
    raise MissingError(
        "N503",
        f"there is no run '{name}'",
        expected="an id, or an unmistakable part of one",
        fixes=((f"tunesmith runs show {close}",) if close else ()) + ("tunesmith runs ls",),
        where=name,
    )


def watch(run: Run, *, patience: float = 2.0) -> Iterator[Event]:
    """The events so far, then each new one, until the run ends.

    patience: seconds to wait for a run that has no end yet but is held by nobody (starting, or killed).
    """
    offset = run.log.stat().st_size if run.log.exists() else 0
    offset, lines = runlog.read_from(run.log, 0, offset)
    yield from map(events.from_json, runlog.settled(lines))
    over, since = runlog.ended(lines, False), time.monotonic()
    while True:
        held = run._held()
        offset, lines = runlog.read_from(run.log, offset)
        yield from map(events.from_json, lines)
        over = runlog.ended(lines, over)
        since = time.monotonic() if held or lines else since
        if not held and not lines and (over or time.monotonic() - since > patience):
            return
        time.sleep(_POLL_SECONDS)
