"""What tests of the command line share: small data, and commands as child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

ASKS = (
    ("refund the charge", "invoice is wrong", "charged twice", "money back please", "a billing question"),
    ("app crashes", "cannot log in", "screen is frozen", "error on start", "bug in the form"),
)
WHEN = ("today", "again", "since monday", "in my account", "on my phone", "in the office", "after the update")
LABELS = ("billing", "technical")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> dict[str, Any]:
        """The error that `--json` wrote as the last line of stderr."""
        return json.loads(self.err.splitlines()[-1])["error"]


def texts() -> list[tuple[str, str]]:
    """50 different texts of two classes."""
    rows = []
    for number in range(50):
        kind = number % 2
        ask, when = ASKS[kind][number % 5], WHEN[number % 7]
        rows.append((f"{ask} {when}, ticket {number * 37}", LABELS[kind]))
    return rows


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: as here, but without what the user of this machine set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TUNESMITH_")}
    return {**kept, "HF_HUB_OFFLINE": "1", **more}


def tunesmith(*arguments: str, stdin: str = "", **more: str) -> Done:
    """Run a command as a child process that has no terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**more),
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Trained:
    """A home in which `up` has made one model, and what it said."""

    home: str
    done: Done

    @property
    def result(self) -> dict[str, Any]:
        """The object that it ended with."""
        return json.loads(self.done.out)
