"""Ctrl-C and SIGTERM: a training step under way is finished and saved, anything else ends at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tunesmith.cli.console import tell

RECENT = 30.0  # seconds since the last optimiser step within which the loop is surely looking at `stop`


class Stopping:
    """How a long verb is asked to end.  stop: what the training loop looks at after each step."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._stepped = float("-inf")

    def stepped(self) -> None:
        """Note that an optimiser step has just ended."""
        self._stepped = time.monotonic()

    def rested(self) -> None:
        """Note that training has ended: nobody looks at `stop` any more."""
        self._stepped = float("-inf")

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """The first signal while steps are made asks; any other one interrupts."""
        if self.stop.is_set() or time.monotonic() - self._stepped > RECENT:
            raise KeyboardInterrupt
        self.stop.set()
        tell("stopping after this step; once more stops at once")


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Within, signals go to a `Stopping`; afterwards they go where they went before."""
    stopping = Stopping()
    with handled(stopping.signalled):
        yield stopping


@contextmanager
def handled(handler: object) -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM go to `handler`; only the main thread of a process may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
