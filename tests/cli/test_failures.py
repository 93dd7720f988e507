"""The last resorts: our own bugs, closed pipes, full disks, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commandline import Trained, environment
from tunesmith.cli import interrupt
from tunesmith.lifecycle import desk


def _broken(*_: object) -> None:
    raise ZeroDivisionError("a bug that was planted")


def test_our_own_bug_is_saved_and_told_without_a_traceback(
    run: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "models", _broken)
    done = run("models", "ls")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[X000] this is our bug: ZeroDivisionError: a bug that was planted")
    assert "Traceback" not in done.err
    (saved,) = (home / "crashes").iterdir()
    assert str(saved) in done.err
    story = saved.read_text()
    assert story.startswith("models ls\npython ")
    assert "Traceback" in story
    assert "_broken" in story


def test_debug_shows_the_traceback(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "models", _broken)
    done = run("--debug", "models", "ls", "--json")
    assert "Traceback" in done.err
    assert done.error["code"] == "X000"
    assert "Traceback" not in run("models", "ls").err


def test_a_bug_is_told_also_where_nothing_can_be_saved(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "models", _broken)
    (tmp_path / "file").write_text("")
    done = run("models", "ls", "--home", str(tmp_path / "file"), "--json")
    assert (done.code, done.error["code"], done.error["where"]) == (1, "X000", "")


def test_a_closed_pipe_ends_quietly(trained: Trained) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", "explain", "D104"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == b""
    assert child.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tunesmith", "explain", "D104", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=environment(),
        )
    assert done.returncode == 6
    assert json.loads(done.stderr)["error"]["code"] == "R601"


# ---- signals --------------------------------------------------------------------------------------------


def test_the_first_signal_while_training_asks_and_the_second_interrupts() -> None:
    with interrupt.stoppable() as stopping:
        stopping.stepped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_where_nobody_trains_interrupts_at_once(number: int) -> None:
    before = signal.getsignal(number)
    with interrupt.stoppable() as stopping:
        stopping.stepped()
        stopping.rested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        assert not stopping.stop.is_set()
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_it_is_told_to_end(number: int, trained: Trained) -> None:
    import httpx

    with _serving(trained) as (child, address):
        answer = httpx.post(f"{address}/v1/classify", json={"input": "refund the charge"})
        assert answer.json()["data"][0]["label"] in {"billing", "technical"}
        child.send_signal(number)
        assert child.wait(30) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_serve_ends_with_its_standard_input_where_asked(trained: Trained) -> None:
    with _serving(trained, "--until-stdin-closes") as (child, _):
        time.sleep(0.5)
        assert child.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(30) == 0


class _serving:  # noqa: N801 - used as a statement
    def __init__(self, trained: Trained, *more: str) -> None:
        words = ["serve", "small", "--port", "0", "--json", "--home", trained.home, *more]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tunesmith", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def __enter__(self) -> tuple[subprocess.Popen[str], str]:
        assert self.child.stdout is not None
        first = json.loads(self.child.stdout.readline())
        assert set(first) == {"endpoint", "model", "models"}
        assert first["model"] == "small@1"
        return self.child, first["endpoint"]

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()


def test_up_interrupted_says_how_to_go_on(small: Path, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tunesmith",
            "up",
            str(small),
            "--home",
            str(tmp_path),
            "--budget",
            "1s",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert child.stderr is not None
    said = [child.stderr.readline()]
    while not said[-1].startswith(("Rung", "{")):
        said.append(child.stderr.readline())
    child.send_signal(signal.SIGINT)
    out, rest = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, ""), rest
    error = json.loads(rest.splitlines()[-1])["error"]
    assert error["code"] == "R130"
    assert "Traceback" not in rest
    (run,) = (tmp_path / "runs").glob("2*")
    assert error["fixes"][0].endswith(run.name) or error["fixes"][0].startswith("tunesmith up ")
    assert '"interrupted"' in (run / "events.jsonl").read_text()


@pytest.mark.neural
@pytest.mark.slow
def test_training_interrupted_is_saved_and_names_the_run_to_resume(small: Path, tmp_path: Path) -> None:
    recipe, home = tmp_path / "recipe.toml", tmp_path / "home"
    recipe.write_text(f'[data]\nsource = "{small}"\n[train]\nepochs = 500\nbatch_size = 4\npatience = 0\n')
    child = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", "train", str(recipe), "--home", str(home), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    end = time.monotonic() + 100
    while not _steps(home) and time.monotonic() < end and child.poll() is None:
        time.sleep(0.2)
    child.send_signal(signal.SIGTERM)
    out, said = child.communicate(timeout=100)
    (run,) = (home / "runs").glob("2*")
    error = json.loads(said.splitlines()[-1])["error"]
    assert (child.returncode, out, error["code"]) == (130, "", "R130")
    assert error["fixes"] == [f"tunesmith train --resume {run.name}"]
    assert "stopping after this step" in said
    assert list((run / "checkpoints").glob("*/manifest.json"))


def _steps(home: Path) -> bool:
    """Whether two optimiser steps are on record: the first has then been seen by the command line too."""
    logs = [log.read_text().splitlines(keepends=True) for log in home.glob("runs/2*/events.jsonl")]
    events = [json.loads(line) for lines in logs for line in lines if line.endswith("\n")]
    return sum(event["event"] == "step" for event in events) > 1
