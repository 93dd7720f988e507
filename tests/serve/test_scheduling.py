"""Answers advance in turns: the same as alone, fair, ended when nobody wants them, refused when too many wait."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from tunesmith.errors import CapacityError
from tunesmith.fields import Record
from tunesmith.parts import Output, Piece, Prompt, Speaker, Wish
from tunesmith.serve.scheduling import Scheduler, Talk


class Counting(Speaker):
    """Says 'prompt:0', 'prompt:1', …; 'broken' raises at its third piece, 'torn' ends without an end."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.written: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return [[] for _ in records]

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return 1

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        try:
            for number in range(wish.max_tokens):
                assert self.gate.wait(10)
                if prompt == "broken" and number == 2:
                    raise RuntimeError("broken at two")
                if prompt == "torn" and number == 2:
                    return
                self.written.append(f"{prompt}:{number}")
                yield Piece(
                    f"{prompt}:{number}", number, end="length" if number == wish.max_tokens - 1 else ""
                )
        finally:
            self.closed.append(str(prompt))


class Heard:
    """What one caller was told."""

    def __init__(self, speaker: Speaker, prompt: str, tokens: int) -> None:
        self.news: queue.Queue[Piece | Exception] = queue.Queue()
        self.talk = Talk(speaker, prompt, Wish(max_tokens=tokens), self.news.put)

    def all(self) -> list[str]:
        found = []
        while True:
            piece = self.news.get(timeout=10)
            if isinstance(piece, Exception):
                raise piece
            found.append(piece.text)
            if piece.end:
                return found


@pytest.fixture
def speaker():
    return Counting()


@pytest.fixture
def schedulers():
    made = []

    def make(together=4, max_queue=8):
        made.append(Scheduler(together, max_queue))
        return made[-1]

    yield make
    for each in made:
        each.close(2)


def test_every_answer_is_whole_and_they_advance_in_turns(speaker, schedulers):
    scheduler = schedulers(together=3)
    callers = [Heard(speaker, name, 5) for name in "abcdef"]
    speaker.gate.clear()
    scheduler.submit([caller.talk for caller in callers])
    speaker.gate.set()
    for name, caller in zip("abcdef", callers, strict=True):
        assert caller.all() == [f"{name}:{n}" for n in range(5)]
    first = [each for each in speaker.written if each[0] in "abc"]
    assert first == [f"{name}:{n}" for n in range(5) for name in "abc"]
    assert sorted(speaker.closed) == list("abcdef")


def test_a_short_answer_does_not_wait_for_a_long_one(speaker, schedulers):
    scheduler = schedulers()
    long, short = Heard(speaker, "long", 100_000), Heard(speaker, "short", 3)
    scheduler.submit([long.talk])
    scheduler.submit([short.talk])
    assert short.all() == ["short:0", "short:1", "short:2"]
    assert scheduler.running == 1
    long.talk.leave()


def test_who_leaves_ends_the_work_within_one_token(speaker, schedulers):
    scheduler = schedulers()
    caller = Heard(speaker, "a", 1_000_000)
    scheduler.submit([caller.talk])
    caller.news.get(timeout=5)
    speaker.gate.clear()
    time.sleep(0.05)
    caller.talk.leave()
    written = len(speaker.written)
    speaker.gate.set()
    _until(lambda: speaker.closed == ["a"])
    assert len(speaker.written) <= written + 1
    _until(lambda: scheduler.running == 0)


def test_who_waits_and_leaves_makes_room(speaker, schedulers):
    scheduler = schedulers(together=1, max_queue=1)
    speaker.gate.clear()
    running, waiting, late = (Heard(speaker, name, 2) for name in ("a", "b", "c"))
    scheduler.submit([running.talk])
    _until(lambda: scheduler.running == 1)
    scheduler.submit([waiting.talk])
    with pytest.raises(CapacityError) as full:
        scheduler.submit([late.talk])
    assert full.value.code == "V113"
    assert scheduler.retry_after() >= 1
    waiting.talk.leave()
    scheduler.submit([late.talk])
    speaker.gate.set()
    assert (len(running.all()), len(late.all())) == (2, 2)
    assert waiting.news.empty()


def test_an_empty_queue_takes_any_one_request(speaker, schedulers):
    scheduler = schedulers(together=2, max_queue=1)
    callers = [Heard(speaker, str(n), 2) for n in range(9)]
    scheduler.submit([caller.talk for caller in callers])
    assert all(len(caller.all()) == 2 for caller in callers)


@pytest.mark.parametrize(("name", "kind"), [("broken", RuntimeError), ("torn", ValueError)])
def test_what_a_model_raises_belongs_to_its_request(speaker, schedulers, name, kind):
    scheduler = schedulers()
    bad, good = Heard(speaker, name, 5), Heard(speaker, "good", 5)
    scheduler.submit([bad.talk, good.talk])
    with pytest.raises(kind):
        bad.all()
    assert len(good.all()) == 5


def test_a_listener_that_is_gone_is_one_that_left(speaker, schedulers):
    def gone(news):
        raise RuntimeError("Event loop is closed")

    scheduler = schedulers()
    scheduler.submit([Talk(speaker, "a", Wish(max_tokens=100_000), gone)])
    _until(lambda: speaker.closed == ["a"])


def test_closing_finishes_what_is_here_and_takes_nothing_more(speaker, schedulers):
    scheduler = schedulers(together=1)
    callers = [Heard(speaker, str(n), 3) for n in range(3)]
    scheduler.submit([caller.talk for caller in callers])
    assert scheduler.close(5)
    assert all(len(caller.all()) == 3 for caller in callers)
    with pytest.raises(CapacityError) as closed:
        scheduler.submit([Heard(speaker, "late", 1).talk])
    assert closed.value.code == "V114"


def test_closing_gives_up_what_takes_too_long(speaker, schedulers):
    scheduler = schedulers(together=1)
    endless, waiting = Heard(speaker, "a", 10**9), Heard(speaker, "b", 1)
    scheduler.submit([endless.talk, waiting.talk])
    assert not scheduler.close(0.2)
    for caller in (endless, waiting):
        with pytest.raises(CapacityError) as gone:
            caller.all()
        assert gone.value.code == "V114"
    _until(lambda: "a" in speaker.closed)


def _until(true, seconds=5.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
