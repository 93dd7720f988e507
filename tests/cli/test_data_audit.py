"""`data audit`: keys on a terminal, sheets elsewhere, and nothing lost when it is ended."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.test_terminal import Terminal
from commandline import LABELS, Done, texts
from tunesmith import doors
from tunesmith.cli import data_audit


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """50 rows, one of them with the other label."""
    rows = texts()
    rows[4] = rows[4][0], LABELS[1]
    path = tmp_path / "tickets.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    return path


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the model that doubts is one of n-grams: quicker."""
    has = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "torch" and has(library))


def test_without_a_terminal_a_sheet_is_offered(
    light: None, wrong: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    done = run("data", "audit", str(wrong))
    assert done.code == 2
    assert "L219" in done.err
    assert "--export" in done.err


def test_a_sheet_and_a_version(light: None, wrong: Path, run: Callable[..., Done], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    assert run("data", "audit", str(wrong), "--export", str(sheet), "--share", "0.4").code == 0
    lines = sheet.read_text("utf-8-sig").splitlines()
    assert lines[1].startswith("tickets.csv:6,suspects")
    sheet.write_text("\n".join([lines[0], lines[1] + LABELS[0], *(line + "ok" for line in lines[2:])]))
    arguments = ("data", "audit", str(wrong), "--share", "0.4", "--who", "ann")
    done = run(*arguments, "--import", str(sheet), "--finish", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["judged"] == {"ann": 20}
    assert result["relabelled"] == 1
    assert result["error_rate"]["n"] == 6
    shown = run(*arguments, "--finish")
    assert "errors     " in shown.out
    assert f"version    {result['version']}" in shown.out


def test_a_bad_line_of_a_sheet_is_an_error_at_its_place(
    light: None, wrong: Path, run: Callable[..., Done], tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("row,answer\ntickets.csv:9999,ok\n")
    done = run("data", "audit", str(wrong), "--import", str(sheet))
    assert done.code == 3
    assert f"{sheet}:2" in done.err


def test_worth_needs_rows(run: Callable[..., Done]) -> None:
    done = run("data", "audit", "tickets", "--worth", "a@1", "a@2")
    assert done.code == 2
    assert "--on" in done.err


class Queue:
    """A queue of three rows, and what was said of them."""

    def __init__(self) -> None:
        from tunesmith.data.audit import Item

        likely = ("billing", "other")
        self.items = [Item(n, f"t:{n}", "text\x1b[2J", "bug", "suspects", likely, 2.0) for n in range(3)]
        self.said: list[tuple[Any, ...]] = []

    def left(self, who: str) -> list[Any]:
        return list(self.items)

    def say(self, who: str, item: Any, verdict: str, label: str = "") -> None:
        self.said.append((item.row, verdict, label))

    def undo(self, who: str) -> Any:
        return self.items[int(self.said.pop()[0][-1])] if self.said else None


def test_what_the_keys_mean(capsys: pytest.CaptureFixture[str]) -> None:
    queue, keys = Queue(), iter("x9ua2us1")
    assert data_audit._loop(queue, "ann", lambda: next(keys)) is True
    assert queue.said == [("t:0", "accept", ""), ("t:1", "skip", ""), ("t:2", "relabel", "billing")]
    assert "\x1b" not in capsys.readouterr().err


def test_leaving_keeps_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    queue, keys = Queue(), iter("aq")
    assert data_audit._loop(queue, "ann", lambda: next(keys)) is False
    assert queue.said == [("t:0", "accept", "")]
    assert "2 left" in capsys.readouterr().err


@pytest.mark.neural
def test_on_a_terminal_single_keys_are_enough_and_an_interruption_loses_nothing(
    wrong: Path, tmp_path: Path
) -> None:
    arguments = ("data", "audit", str(wrong), "--share", "0.1", "--offline", "--home", str(tmp_path / "home"))
    terminal = Terminal(*arguments)
    terminal.until("1/5", 120)
    terminal.type("1")
    terminal.until("2/5")
    terminal.child.send_signal(signal.SIGINT)  # once: a second one would meet the process on its way out
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert "the answers so far are kept" in terminal.shown
    terminal = Terminal(*arguments)
    terminal.until("2/5", 120)
    terminal.type("aaaa")
    terminal.until("version    tickets@2", 120)
    assert terminal.end() == 0
    assert "1 get another label" in terminal.shown
    assert "drawn by chance" in terminal.shown
