"""The bar at the foot of a terminal, and what stands in for it where lines can't be redrawn."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tunesmith.cli.console import clean, lively
from tunesmith.events import Progress, Step

EVERY = 5.0  # seconds between lines where there is no bar


class Bar(ABC):
    """Shows how far a stage is, and when it will be done."""

    def __init__(self) -> None:
        self._extra, self._counted = "", False
        self._since, self._first = 0.0, (0, 0.0)

    def progress(self, event: Progress) -> None:
        """So much of so much, by the stage's own clock."""
        self._counted = True
        left = event.seconds * (event.total - event.done) / event.done if event.done else None
        steps = f" {event.done:,.0f}/{event.total:,.0f}" if self._extra else ""
        self.show(event.stage + steps, event.done, event.total, left, self._extra)

    def step(self, event: Step) -> None:
        """An optimiser step: its loss; and where nobody says how many there are, how far through its epoch it is."""
        self._extra = f"loss {sum(event.losses.values()):.4f}"
        if self._counted:
            return
        now = time.monotonic()
        if not self._since:
            self._since, self._first = now, (event.step, event.epoch)
        within = event.epoch % 1 or 1.0
        pace = (now - self._since) / max(event.epoch - self._first[1], 1e-9)
        left = pace * (1 - within) if event.step > self._first[0] else None
        self.show(f"step {event.step}, epoch {event.epoch:.2f}", within, 1.0, left, self._extra)

    def clear(self) -> None:
        """A new stage begins."""
        self._since, self._extra, self._counted = 0.0, "", False

    @abstractmethod
    def show(self, what: str, done: float, total: float, left: float | None, extra: str) -> None:
        """Bring the bar to `done` of `total`; left: seconds, or None while they can't be told."""

    @abstractmethod
    def line(self, text: str) -> None:
        """A line above the bar."""


class Plain(Bar):
    """Lines for files and pipes: at most one about progress every few seconds; none where that is not wanted."""

    def __init__(self, stream: TextIO, quiet: bool) -> None:
        super().__init__()
        self._stream, self._quiet, self._last = stream, quiet, time.monotonic()

    def show(self, what: str, done: float, total: float, left: float | None, extra: str) -> None:
        if self._quiet or time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        parts = [what, f"{done / max(total, 1e-9):.0%}", *([extra] if extra else []), *_eta(left)]
        self.line(f"{'':10}{' · '.join(parts)}")

    def line(self, text: str) -> None:
        self._stream.write(clean(text) + "\n")
        self._stream.flush()


class Live(Bar):
    """A bar that rich redraws."""

    def __init__(self, progress: Any) -> None:
        super().__init__()
        self._progress, self._task = progress, None

    def show(self, what: str, done: float, total: float, left: float | None, extra: str) -> None:
        if self._task is None:
            self._task = self._progress.add_task("", total=total, what="", extra="", eta="")
        eta = " ".join(_eta(left))
        self._progress.update(self._task, completed=done, total=total, what=clean(what), extra=extra, eta=eta)

    def clear(self) -> None:
        super().clear()
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def line(self, text: str) -> None:
        self._progress.console.print(clean(text), markup=False, highlight=False, soft_wrap=True)


def _eta(left: float | None) -> list[str]:
    return [] if left is None else [f"{duration(left)} left"]


def duration(seconds: float) -> str:
    """'8 s', '3 min 20 s', '1 h 05 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02} s"
        if whole < 3600
        else f"{whole // 3600} h {whole % 3600 // 60:02} min"
    )


@contextmanager
def shown(stream: TextIO) -> Iterator[Bar]:
    """The bar that fits a stream; it is gone at the end."""
    if not lively(stream):
        yield Plain(stream, bool(os.environ.get("TUNESMITH_NO_PROGRESS")))
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Drawn

    columns = (
        TextColumn("          {task.fields[what]}", markup=False),
        BarColumn(30),
        TaskProgressColumn(),
        TextColumn("{task.fields[extra]}", markup=False),
        TextColumn("{task.fields[eta]}", markup=False),
    )
    with Drawn(*columns, console=Console(file=stream, stderr=True), transient=True) as progress:
        yield Live(progress)
