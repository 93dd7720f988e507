"""Events told on stderr: one line for each stage, and a bar (or now and then a line) while it works."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tunesmith.cli import bar
from tunesmith.cli.console import clean, one_line
from tunesmith.cli.interrupt import Stopping
from tunesmith.events import Event, Found, Measured, Note, Progress, Saved, Stage, Step

TITLES = {"sniff": "Data", "rung": "Rung", "prove": "Proof", "serve": "Serve", "train": "Train"}
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
MARGIN = 10  # columns of a line's title
SHOWN = 3  # scores that a line holds; the report holds all


class Narrator:
    """Tells events as they come.  run: the id of the run that they belong to, once one names it."""

    def __init__(self, shown: bar.Bar, stopping: Stopping | None = None) -> None:
        self.run, self._bar, self._stopping = "", shown, stopping

    def tell(self, event: Event) -> None:
        """One event as a line or as movement of the bar."""
        if isinstance(event, Progress):
            self._bar.progress(event)
            return
        if isinstance(event, Step):
            self._step(event)
            return
        line = said(event)
        if isinstance(event, Stage):
            self._began(event)
        if isinstance(event, (Stage, Saved)) and (named := RUN_ID.search(_mention(event))):
            self.run = named[0]
        if line:
            self._bar.line(line)

    def _step(self, event: Step) -> None:
        if self._stopping:
            self._stopping.stepped()
        self._bar.step(event)

    def _began(self, event: Stage) -> None:
        if self._stopping:
            self._stopping.rested()
        self._bar.clear()


def _mention(event: Stage | Saved) -> str:
    return event.path if isinstance(event, Saved) else event.detail


def said(event: Event) -> str:
    """An event as one line for people, or '' where it says nothing that they need."""
    if isinstance(event, Stage):
        return titled(TITLES.get(event.name, event.name.replace("-", " ")), event.detail)
    if isinstance(event, Note):
        return titled("warning" if event.level == "warning" else "", event.text)
    if isinstance(event, Found):
        return _finding(event.finding)
    if isinstance(event, Measured):
        return titled("", _scores(event))
    return ""


def titled(title: str, text: str) -> str:
    """A line of the narration: what it is about, and what there is to say."""
    return f"{title:<{MARGIN - 1}} {clean(text)}".rstrip()


def _finding(finding: Any) -> str:
    done = ""
    if finding.fix:
        done = f" · {finding.fix.effect}" if finding.fixed else f" · {finding.fix.command}"
    return f"  {finding.code:<7} {one_line(finding.message, 160)}{clean(done)}"


def _scores(event: Measured) -> str:
    found: list[str] = []
    for name, score in [*event.scores.items()][:SHOWN]:
        if isinstance(score, float | int):
            found += [f"{name} {score:.3f}"] if name != "score" else []
        elif score.get("value") is not None:
            found.append(f"{name} {score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})")
    at = f"step {event.step}: " if event.step else ""
    return f"{at}{', '.join(found)} on {event.on}" if found else ""


@contextmanager
def narrator(stopping: Stopping | None = None) -> Iterator[Narrator]:
    """A narrator for stderr as it is: with a live bar on a terminal, with plain lines elsewhere."""
    with bar.shown(sys.stderr) as shown:
        yield Narrator(shown, stopping)


def lines(event: Event) -> list[str]:
    """An event of a watched run as lines: steps and files too."""
    if isinstance(event, Step):
        losses = ", ".join(f"{name} {value:.4f}" for name, value in event.losses.items())
        return [
            titled(
                "step",
                f"{event.step} · epoch {event.epoch:.2f} · loss {losses} · lr {event.learning_rate:.1e}",
            )
        ]
    if isinstance(event, Saved):
        return [titled("saved", f"{event.kind} {event.path}")]
    return [line for line in [said(event)] if line]
