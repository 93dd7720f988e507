"""What a terminal sees: questions where columns are ambiguous, no bytes that move its cursor, escapes made visible."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandline import environment, tunesmith
from tunesmith.cli import console


class Terminal:
    """A child on a pseudo-terminal: what it shows, and what is typed."""

    def __init__(self, *arguments: str, **more: str) -> None:
        self._own, other = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tunesmith", *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env=environment(COLUMNS="100", TERM="xterm-256color", **more),
            start_new_session=True,
            # whoever runs the tests in the background has Ctrl-C ignored, and children inherit that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(other)
        self.shown = ""

    def until(self, wanted: str, seconds: float = 60.0) -> str:
        """Read until it shows `wanted` (or ends, where wanted is '')."""
        end = time.monotonic() + seconds
        while (not wanted or wanted not in self.shown) and time.monotonic() < end:
            if not select.select([self._own], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self._own, 65536)
            except OSError:  # Linux: nobody holds the other end any more
                break
            self.shown += piece.decode("utf-8", "replace")
        assert wanted in self.shown, self.shown
        return self.shown

    def type(self, text: str) -> None:
        """What the user types."""
        os.write(self._own, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C until it ends: one that falls between the question and the wait for its answer is seen at the next."""
        for _ in range(30):
            self.child.send_signal(2)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(1)
                return

    def end(self) -> int:
        """Its exit code, all it showed read."""
        self.until("")
        code = self.child.wait(60)
        os.close(self._own)
        return code


def test_an_ambiguous_column_is_asked_for_on_a_terminal(ambiguous: Path) -> None:
    terminal = Terminal("data", "check", str(ambiguous))
    terminal.until("text column [1]: ")
    assert "could each be the text; which one?" in terminal.shown
    assert "1  " in terminal.shown
    assert "label" in terminal.shown.partition("less likely")[0]
    terminal.type("9\n")
    terminal.until("a number from 1 to 3")
    terminal.type("body\n")
    assert terminal.end() == 0
    assert 'text = "body"' in terminal.shown


def test_no_answer_is_the_error_itself(ambiguous: Path) -> None:
    terminal = Terminal("data", "check", str(ambiguous))
    terminal.until("text column [1]: ")
    terminal.type("\x04")  # end of file
    assert terminal.end() == 3
    assert "error[M202]" in terminal.shown


def several(tmp_path: Path) -> Path:
    """A table that three columns make two forms of, one of them with two labels to choose from."""
    path = tmp_path / "faq.csv"
    rows = "".join(
        f"What is {k} and {k}?,{'ab'[k % 2]},{'cd'[k // 2 % 2]},That makes {2 * k} I think.\n"
        for k in range(40)
    )
    path.write_text("question,topic,category,answer\n" + rows)
    return path


def test_a_form_is_asked_for_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal("data", "show", str(several(tmp_path)), "--home", str(tmp_path / "home"))
    terminal.until("form [1]: ")
    assert "can be read in 2 ways; which one is meant?" in terminal.shown
    assert "'prompt-completion' (prompt = 'question', completion = 'answer')" in terminal.shown
    terminal.type("3\n")
    terminal.until("a number from 1 to 2, or a form's name")
    terminal.type("text-label\n")
    terminal.until("label column [1]: ")
    terminal.type("topic\n")
    assert terminal.end() == 0, terminal.shown
    assert 'label = "topic"' in terminal.shown


def test_no_answer_to_which_form_is_the_error_itself(tmp_path: Path) -> None:
    terminal = Terminal("data", "show", str(several(tmp_path)), "--home", str(tmp_path / "home"))
    terminal.until("form [1]: ")
    terminal.type("\x04")
    assert terminal.end() == 3
    assert "error[M207]" in terminal.shown


def test_ctrl_c_at_the_question_ends_without_a_traceback(ambiguous: Path) -> None:
    terminal = Terminal("data", "check", str(ambiguous))
    terminal.until("text column [1]: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


def test_elsewhere_an_ambiguous_column_is_an_error_that_lists_the_columns(ambiguous: Path) -> None:
    done = tunesmith("up", str(ambiguous))
    assert (done.code, done.out) == (3, "")
    assert "error[M202]" in done.err
    assert "body, message, label" in done.err
    assert "--text 'body'" in done.err


def test_json_never_asks(ambiguous: Path) -> None:
    terminal = Terminal("data", "check", str(ambiguous), "--json")
    assert terminal.end() == 3
    assert "which one" not in terminal.shown


def test_a_question_shows_no_escape_codes_from_the_data(tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    rows = "".join(
        f"first note {n} \x1b[2J{n * 7},second \x1b]0;x\x07 note {n},{'ab'[n % 2]}\n" for n in range(40)
    )
    path.write_text("body,message,label\n" + rows)
    terminal = Terminal("data", "check", str(path))
    terminal.until("[1]: ")
    assert "\x1b[2J" not in terminal.shown
    assert "\x1b]0" not in terminal.shown
    terminal.child.kill()
    terminal.end()


def test_a_pipe_gets_no_escape_codes(small: Path) -> None:
    done = tunesmith("data", "check", str(small))
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err


@pytest.mark.parametrize("more", [{"TUNESMITH_NO_PROGRESS": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_bar_gets_lines(small: Path, more: dict[str, str]) -> None:
    terminal = Terminal(
        "data", "check", str(small), **({"NO_COLOR": "1"} | {k: v for k, v in more.items() if k != "TERM"})
    )
    assert terminal.end() == 0
    assert "Data " in terminal.shown
    if "TUNESMITH_NO_PROGRESS" in more:
        assert "\x1b" not in terminal.shown


@given(st.text())
def test_clean_text_moves_no_cursor_and_loses_no_letter(text: str) -> None:
    shown = console.clean(text)
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in shown)
    assert not set(shown) & set("\u202e\u2066\u200f")
    shown.encode()
    kept = [c for c in text if c.isprintable()]
    assert [c for c in kept if c in shown] == kept


@given(st.text(), st.integers(5, 60))
def test_one_line_is_one_short_line(text: str, width: int) -> None:
    line = console.one_line(text, width)
    assert len(line) <= width
    assert "\n" not in line


def test_numbers_that_json_does_not_know_are_null() -> None:
    value = {"a": float("nan"), "b": [float("inf"), 1.5], "c": ({"d": -float("inf")},), 3: True}
    assert console.finite(value) == {"a": None, "b": [None, 1.5], "c": [{"d": None}], "3": True}
