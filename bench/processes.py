"""One run of an arm: a fresh process, its seconds by clock and processor, its largest memory, what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.row import ARMS, Arm, Run

LIMIT = 300.0  # seconds that a run may take
TAIL = 2000  # characters of what a failed run wrote
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Failed(RuntimeError):
    """A run that ended badly, with the end of what it wrote."""


def run(arm: Arm, folder: Path, *, limit: float = LIMIT) -> Run:
    """Run an arm in a folder of its own.  Raises Failed: it ended badly or too late, or said no JSON."""
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    task = folder / "task.json"
    task.write_text(json.dumps({**arm.task, "out": str(out)}, indent=1), encoding="utf-8")
    load, before, start = os.getloadavg()[0], _ticks(), time.perf_counter()
    command = [arm.python, str(ARMS / arm.script), str(task)]
    text, usage = _ended(arm.name, command, folder, {**_environment(arm), **arm.environment}, limit)
    wall = time.perf_counter() - start
    said = last_object(arm.name, text)
    cpu = said.get("cpu_seconds", usage.ru_utime + usage.ru_stime)
    peak = said.get("peak_bytes", usage.ru_maxrss * 1024)
    return Run(arm, folder, wall, cpu, peak, _stolen(before, _ticks()), load, said)


def asked(name: str, command: Sequence[str], folder: Path, *, limit: float = LIMIT) -> dict[str, Any]:
    """The JSON object that a process (a judge, a probe) prints last."""
    text, _ = _ended(name, command, folder, {**os.environ, **OFFLINE}, limit)
    return last_object(name, text)


def _environment(arm: Arm) -> dict[str, str]:
    threads = str(arm.task.get("threads", os.cpu_count()))
    return {**os.environ, **OFFLINE, **dict.fromkeys(THREADS, threads)}


def _ended(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float
) -> tuple[str, Any]:
    """What a process wrote and what it used.  It is a group of its own, so that its children end with it."""
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        child = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            usage, code = _awaited(child, time.perf_counter() + limit)
        except BaseException:  # a stop by hand reaches this process alone
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        out.seek(0)
        text = out.read()
    if code:
        why = f"was ended after {limit:.0f} s" if code == -signal.SIGKILL else f"ended with {code}"
        raise Failed(f"{name} {why}:\n{text[-TAIL:]}")
    return text, usage


def _awaited(child: subprocess.Popen[Any], until: float) -> tuple[Any, int]:
    while time.perf_counter() < until:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return usage, child.returncode
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = -signal.SIGKILL
    return usage, child.returncode


def last_object(name: str, text: str) -> dict[str, Any]:
    """The last line that is a JSON object."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Failed(f"{name} printed no JSON object:\n{text[-TAIL:]}")


def _ticks() -> tuple[float, float]:
    """(stolen, all) ticks of the machine's processors."""
    ticks = [float(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return ticks[7], sum(ticks)


def _stolen(before: tuple[float, float], after: tuple[float, float]) -> float:
    return (after[0] - before[0]) / max(1.0, after[1] - before[1])
