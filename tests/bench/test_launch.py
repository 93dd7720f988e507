"""The launcher of C9: it waits for a sign in what a command prints or writes, and ends all that the command started."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench.row import Arm, Run

from bench import processes

PROGRAM = """import pathlib, subprocess, sys, time
time.sleep(0.2)
print("first update", flush=True)
pathlib.Path(sys.argv[1]).write_text('{"event": "step"}')
pathlib.Path(sys.argv[2]).write_text(str(subprocess.Popen(["sleep", "60"]).pid))
print("all begun", flush=True)
time.sleep(60)
"""


def _launched(folder: Path, sign: str, program: str = PROGRAM, **more: Any) -> Run:
    command = [sys.executable, "-c", program, "{out}/new.txt", str(folder / "pid.txt")]
    arm = Arm("a command", sys.executable, "c9_launch.py", {"command": command, "sign": sign, **more})
    return processes.run(arm, folder / "run", limit=30.0)


def test_seconds_pass_until_a_line_of_the_output(tmp_path: Path):
    run = _launched(tmp_path, "first update")
    assert 0.2 <= run.said["seconds"]["train"] < 20
    assert run.said["page_cache"] == "kept"
    assert (run.cpu, run.peak) == (run.said["cpu_seconds"], run.said["peak_bytes"])


def test_a_file_that_the_command_writes_is_a_sign_too(tmp_path: Path):
    run = _launched(tmp_path, '"event": "step"', file=["{out}", "*.txt"])
    assert run.said["seconds"]["train"] >= 0.2


def test_children_of_the_command_end_with_it(tmp_path: Path):
    _launched(tmp_path, "all begun")
    pid = (tmp_path / "pid.txt").read_text("utf-8")
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_without_a_sign_the_command_is_awaited(tmp_path: Path):
    assert _launched(tmp_path, "", program="print('done')").said["until"] == "its end"


@pytest.mark.parametrize(
    ("sign", "program"), [("never", "print('other words')"), ("", "raise SystemExit(3)")]
)
def test_a_command_that_never_gives_its_sign_fails(tmp_path: Path, sign: str, program: str):
    with pytest.raises(processes.Failed, match="ended with 1"):
        _launched(tmp_path, sign, program=program)
