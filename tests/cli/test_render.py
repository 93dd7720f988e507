"""Events as lines and bars: what is said, how often, and when it will be done."""

from __future__ import annotations

import io

import pytest

from tunesmith.cli import bar, render, tables
from tunesmith.cli.interrupt import Stopping
from tunesmith.events import Finished, Found, Measured, Note, Progress, Saved, Stage, Step
from tunesmith.findings import Finding, Fix

FIXED = Finding("D101", "warning", "3 rows twice", 3, fix=Fix("keep = …", "drops 3 rows", True), fixed=True)
LEFT = Finding("L203", "warning", "4 labels look wrong\x1b[2J", 4, fix=Fix("tunesmith data check", "look"))
SCORES = {"macro_f1": {"value": 0.5, "low": 0.4, "high": 0.61, "n": 9}}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Stage("sniff", "CSV"), "Data      CSV"),
        (Stage("learning-curve", "linear"), "learning curve linear"),
        (Note("why"), "          why"),
        (Note("oh", "warning"), "warning   oh"),
        (Found(FIXED), "  D101    3 rows twice · drops 3 rows"),
        (Found(LEFT), "  L203    4 labels look wrong\\x1b[2J · tunesmith data check"),
        (Measured("linear", "validation", SCORES), "          macro_f1 0.500 (0.400–0.610) on validation"),
        (
            Measured("x", "validation", {"score": 1.0, "loss": 0.25}, 7),
            "          step 7: loss 0.250 on validation",
        ),
        (Saved("bundle", "/x"), ""),
        (Finished({}), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_one_line(event, line: str) -> None:
    assert render.said(event) == line


class Shown(bar.Bar):
    """Keeps what a bar is told."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple] = []

    def show(self, what, done, total, left, extra) -> None:
        self.seen.append((what, done, total, left, extra))

    def line(self, text: str) -> None:
        self.seen.append((text,))


def step(number: int, epoch: float) -> Step:
    return Step(number, epoch, {"label": 0.5}, 1e-4, 1.0, 32)


def test_progress_has_the_time_that_is_left() -> None:
    shown = Shown()
    shown.progress(Progress("encode", 25, 100, 10.0))
    shown.progress(Progress("encode", 0, 100, 0.0))
    assert shown.seen == [("encode", 25, 100, 30.0, ""), ("encode", 0, 100, None, "")]


def test_steps_show_their_loss_and_count_once_somebody_says_how_many_there_are() -> None:
    shown = Shown()
    shown.step(step(1, 0.25))
    shown.progress(Progress("train", 1, 8, 2.0))
    shown.step(step(2, 0.5))
    shown.progress(Progress("train", 2, 8, 4.0))
    assert shown.seen[0][:3] == ("step 1, epoch 0.25", 0.25, 1.0)
    assert shown.seen[1:] == [
        ("train 1/8", 1, 8, 14.0, "loss 0.5000"),
        ("train 2/8", 2, 8, 12.0, "loss 0.5000"),
    ]
    shown.clear()
    shown.progress(Progress("out-of-fold", 1, 2, 1.0))
    assert shown.seen[-1] == ("out-of-fold", 1, 2, 1.0, "")


def test_steps_alone_show_their_epoch() -> None:
    shown = Shown()
    for number in range(1, 5):
        shown.step(step(number, number / 4))
    assert [seen[1] for seen in shown.seen] == [0.25, 0.5, 0.75, 1.0]
    assert shown.seen[0][3] is None
    assert shown.seen[-1][3] == 0.0


def test_plain_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(bar.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    plain = bar.Plain(stream, quiet=False)
    for _ in range(20):
        now[0] += 1.0
        plain.progress(Progress("encode", 1, 2, 65.0))
    lines = stream.getvalue().splitlines()
    assert lines == ["          encode · 50% · 1 min 05 s left"] * 4
    quiet = io.StringIO()
    silent = bar.Plain(quiet, quiet=True)
    now[0] += 60
    silent.progress(Progress("encode", 1, 2, 65.0))
    silent.line("a line")
    assert quiet.getvalue() == "a line\n"


def test_a_live_bar_is_drawn_and_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNESMITH_NO_PROGRESS", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with bar.shown(stream) as live:
        assert isinstance(live, bar.Live)
        live.line("a [red]line\x1b[2J")
        live.progress(Progress("encode [b]", 25, 100, 10.0))
        live.clear()
        live.clear()
    seen = stream.getvalue()
    assert "a [red]line\\x1b[2J" in seen
    assert "\x1b[?25h" in seen  # the cursor is back


def test_the_narrator_knows_the_run_and_whether_training_goes_on() -> None:
    stopping, shown = Stopping(), Shown()
    narrator = render.Narrator(shown, stopping)
    narrator.tell(Stage("train", "run 20261120-161500-3fa2: tune"))
    assert narrator.run == "20261120-161500-3fa2"
    narrator.tell(step(1, 0.5))
    stopping.signalled(2, None)
    assert stopping.stop.is_set()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (65, "1 min 05 s"), (3725, "1 h 02 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert bar.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "–"), (178, "178 B"), (4_200_000, "4 MB"), (91_000_000, "91 MB"), (2.5e9, "2.5 GB")],
)
def test_sizes(count: float, said: str) -> None:
    assert tables.size(count) == said


def test_tables_are_aligned() -> None:
    assert tables.table([["a", "bb"], ["ccc", "d"]], right=(1,)) == ["a    bb", "ccc   d"]
    assert tables.table([]) == []
    assert tables.score(None) == tables.score({"value": None}) == "–"
    assert tables.score({"value": 0.5, "low": 0.25, "high": None}) == "0.500"
