"""Answers in words that advance in turns, token by token, on one thread: nobody waits for the end of a long one."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tunesmith.errors import CapacityError
from tunesmith.parts import Piece, Prompt, Speaker, Wish

Listener = Callable[[Piece | Exception], None]  # called on the scheduler's thread; must not wait
MAX_RETRY_SECONDS = 60
STARTING_SECONDS = 2.0  # an answer is thought to take before one has been measured


@dataclass(eq=False)
class Talk:
    """One answer in the making.  Whoever no longer wants it calls `leave`: its work ends within one token."""

    speaker: Speaker
    prompt: Prompt
    wish: Wish
    listener: Listener
    left: bool = False
    began: float = 0.0
    pieces: Iterator[Piece] | None = None

    def leave(self) -> None:
        """Stop the work; nothing more is told."""
        self.left = True

    def step(self) -> bool:
        """Write one piece and tell it; whether the answer goes on."""
        try:
            if self.pieces is None:
                self.began, self.pieces = time.monotonic(), self.speaker.stream(self.prompt, self.wish)
            piece = next(self.pieces, None)
        except Exception as failure:  # noqa: BLE001 - whatever a model raises belongs to the request that caused it
            self.tell(failure)
            return False
        if piece is None:
            self.tell(ValueError("the answer broke off without an end"))
            return False
        self.tell(piece)
        return not piece.end

    def tell(self, news: Piece | Exception) -> None:
        """Hand on a piece or why there is none; who can't be told any more has left."""
        if self.left:
            return
        try:
            self.listener(news)
        except RuntimeError:  # the listener's event loop is closed
            self.left = True

    def close(self) -> None:
        """Let the model forget what it read."""
        if close := getattr(self.pieces, "close", None):
            close()


@dataclass(eq=False)
class Scheduler:
    """Answers of any number of speakers, in turns on one thread.

    An answer is computed by itself, so it is the same whatever else is asked at the time.
    together: answers that advance in turns; later ones wait in the order in which they came.  max_queue: answers that
    may wait; an empty queue takes any one request.
    """

    together: int
    max_queue: int
    _waiting: deque[Talk] = field(default_factory=deque, init=False, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False, repr=False)
    _closed: bool = field(default=False, init=False)
    _abandoned: bool = field(default=False, init=False)
    _running: list[Talk] = field(default_factory=list, init=False, repr=False)
    _seconds: float = field(default=STARTING_SECONDS, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="tunesmith-scheduler", daemon=True)
        self._thread.start()

    def submit(self, talks: Sequence[Talk]) -> None:
        """Take the answers that one request asks for, all or none.

        Raises CapacityError V113 when the queue is full, V114 when the scheduler is closing.
        """
        with self._changed:
            waiting = self.depth
            if self._closed:
                raise _closing()
            if waiting and waiting + len(talks) > self.max_queue:
                raise CapacityError(
                    "V113",
                    f"{waiting} answers are waiting, {len(talks)} more do not fit",
                    expected=f"at most {self.max_queue} waiting answers",
                    fixes=("send it again after the seconds in Retry-After", "--set serve.max_queue=1024"),
                )
            self._waiting.extend(talks)
            self._changed.notify()

    @property
    def depth(self) -> int:
        """Answers that wait for their turn and are still wanted."""
        return sum(not talk.left for talk in list(self._waiting))

    @property
    def running(self) -> int:
        """Answers that are being written."""
        return len(self._running)

    def retry_after(self) -> int:
        """Whole seconds in which the queue should be worked off, from how long the last answers took."""
        rounds = (self.depth + self.running) / self.together
        return min(MAX_RETRY_SECONDS, max(1, math.ceil(rounds * self._seconds)))

    def close(self, timeout: float = 5.0) -> bool:
        """Take nothing more, finish what is here; False when `timeout` seconds were too few: the rest failed."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)
        finished = not self._thread.is_alive()
        self._abandoned = True
        return finished

    def _work(self) -> None:
        while self._admit():
            for talk in list(self._running):
                if self._abandoned:
                    break
                if talk.left or not talk.step():
                    self._end(talk)

    def _admit(self) -> bool:
        """Let waiting answers begin while there is room; wait for one; False when all is done."""
        with self._changed:
            while not self._running and not self._waiting and not self._closed:
                self._changed.wait()
            if self._abandoned:
                self._fail_all()
                return False
            while self._waiting and len(self._running) < self.together:
                self._running.append(self._waiting.popleft())
            return bool(self._running)

    def _end(self, talk: Talk) -> None:
        talk.close()
        self._running.remove(talk)
        if talk.began and not talk.left:
            self._seconds = 0.8 * self._seconds + 0.2 * (time.monotonic() - talk.began)

    def _fail_all(self) -> None:
        for talk in (*self._running, *self._waiting):
            talk.tell(_closing())
            talk.close()
        self._running.clear()
        self._waiting.clear()


def _closing() -> CapacityError:
    return CapacityError("V114", "the server is shutting down", expected="a running server")
