"""Starts a command and says how many seconds pass until a sign appears: a line of its output, or of a file it writes.

TASK.json: {"command": [...], "sign": text, "file": [folder, glob], else the output, "environment": {...}, "drop":
whether the page cache is dropped before where that is allowed}.  {out} in any of them stands for the run's own folder.
The command and its children end at the sign; without a sign the command is awaited.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _common

POLL, LIMIT, TAIL = 0.005, 280.0, 1500
REAPER = 36  # PR_SET_CHILD_SUBREAPER: orphans become children of this process, so that their usage is counted
CACHES = Path("/proc/sys/vm/drop_caches")


def main() -> int:
    """Start, wait for the sign, end, say."""
    task = json.loads(json.dumps(_common.task()).replace("{out}", _common.task()["out"]))
    dropped = bool(task.get("drop")) and _dropped()
    ctypes.CDLL(None).prctl(REAPER, 1, 0, 0, 0)
    log = Path(task["out"]) / "log.txt"
    old = _signs(task, log)
    with log.open("wb") as file:
        start = time.perf_counter()
        child = subprocess.Popen(
            task["command"],
            cwd=task["out"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **task.get("environment", {})},
            start_new_session=True,
        )
        seen = _waited(child, task["sign"], lambda: _signs(task, log) - old, start + LIMIT)
        seconds = time.perf_counter() - start
        _ended(child)
    if not seen:
        print(log.read_text("utf-8", "replace")[-TAIL:])
        return 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _common.say(
        seconds={"train": seconds},
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * 1024,
        page_cache="dropped" if dropped else "kept",
        until=task["sign"] or "its end",
    )
    return 0


def _waited(child: Any, sign: str, files: Callable[[], set[str]], until: float) -> bool:
    """Whether the sign was seen, or the command ended well where no sign is asked for."""
    while time.perf_counter() < until:
        ended = child.poll() is not None
        if sign and any(sign.encode() in Path(path).read_bytes() for path in files()):
            return True
        if ended:
            return not sign and child.returncode == 0
        time.sleep(POLL)
    return False


def _signs(task: dict[str, Any], log: Path) -> set[str]:
    """Files in which the sign may stand; those that are there before the start don't count."""
    folder, pattern = task.get("file") or (str(log.parent), log.name)
    return {str(path) for path in Path(folder).glob(pattern)}


def _ended(child: Any) -> None:
    """End the whole group and wait, so that what it used is counted."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    with contextlib.suppress(ChildProcessError):
        while True:  # children of the command, which are this process's by now
            os.waitpid(-1, 0)


def _dropped() -> bool:
    """Whether the system forgot what it had read of files; only root may ask for it."""
    try:
        os.sync()
        CACHES.write_text("3\n")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
