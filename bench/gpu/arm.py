"""What every arm does around its training: reads the task, is timed, and says one line of JSON."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.gpu import clock, shapes, work


@dataclass
class Course:
    """A row's rows as steps, and what is measured of them."""

    row: shapes.Row
    base: str
    steps: int
    drawn: list[dict[str, list[int]]]
    device: str
    tiny: bool
    compiles: bool
    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    @property
    def warm_up(self) -> int:
        """Steps that are not timed."""
        return clock.TINY_WARM_UP if self.tiny else clock.WARM_UP

    def step(self, number: int) -> list[dict[str, list[int]]]:
        """The rows of a step."""
        return self.drawn[number * self.row.rows : (number + 1) * self.row.rows]

    def ends(self, part: str) -> None:
        """Seconds since the last part go to this one."""
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._since
        self._since = now

    def say(
        self, name: str, marks: clock.Clock, read: list[list[int]], *, adapters: int = 1, **more: Any
    ) -> None:
        """One line of JSON.

        read: the token ids that the arm trained on.  marks: one before each step and at the end.  adapters: how many
        were trained on these rows in each step.
        """
        took = marks.seconds()[self.warm_up :]
        timed = self.drawn[self.warm_up * self.row.rows : self.steps * self.row.rows]
        counted = work.counts(timed)
        speed = adapters * counted["tokens"] / sum(took)
        peak = clock.peak_products(self.row.config, self.device)
        useful = shapes.operations(self.row, int(counted["tokens"]), counted["seen"], int(counted["learnt"]))
        found = {
            "arm": name,
            "row": self.row.name,
            "tokens_sha256": work.digest(read),
            "adapters": adapters,
            "steps": self.steps,
            "timed_steps": len(took),
            "step_seconds": [round(each, 5) for each in took],
            "real_tokens_per_second": speed,
            "rows_per_second": adapters * len(timed) / sum(took),
            "peak_products": peak,
            "mfu": adapters * useful / sum(took) / peak,
            "seconds": {part: round(each, 3) for part, each in self.seconds.items()},
            "versions": clock.versions(),
        }
        print(json.dumps(found | more), flush=True)


def course() -> Course:
    """From the command line of an arm: TASK.json [--device cuda] [--tiny] [--compile]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--liger", action="store_true")
    given = parser.parse_args()
    task = json.loads(given.task.read_text("utf-8"))
    row = shapes.Row(**task["row"])
    return Course(row, task["base"], task["steps"], task["rows"], given.device, given.tiny, given.compile)
