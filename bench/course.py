"""The runs of one part of a row, one after the other: their pace, their numbers, the time that is left for them."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processes
from bench.rates import Rates
from bench.row import Arm, Bench, Number, Run

FEW, MANY = 2, 4  # pairs of the default column, and of others
IDLE = 3.0  # seconds of rest between runs: the control tells whether they are enough
GRID_SHARE = 0.5  # of a part's time, that learning rates may take


@dataclass(frozen=True)
class Pace:
    """How runs follow each other.

    idle: seconds between runs.  limit: seconds of a run.  most: pairs at most, 0: as the row says.  control: pairs of
    ours against itself.  grid: whether learning rates are tried; rates: where they are kept.  seconds: that a part may
    take; pairs are left out where they don't fit.
    """

    idle: float = IDLE
    limit: float = processes.LIMIT
    most: int = 0
    control: int = 1
    grid: bool = True
    rates: Rates | None = None
    seconds: float = math.inf

    def pairs(self, bench: Bench, column: str) -> int:
        """Pairs of a column."""
        asked = bench.pairs.get(column, FEW if column == "default" else MANY)
        return min(asked, self.most) if self.most else asked


@dataclass(frozen=True)
class Measured:
    """A run with its numbers: 'seconds', 'cpu', 'peak' and those of the row.

    judged: of the arm's first run.  flops: useful ones a second of training, None where the row counts none.
    bound: empty, or that the goal was not reached in the seconds that the run had.
    """

    run: Run
    numbers: dict[str, float]
    judged: dict[str, Any] = field(default_factory=dict)
    flops: float | None = None
    bound: str = ""


class Course:
    """The runs of one part, in order, each in a folder of its own, with rest between them.

    stopped: why no other run is to follow, empty while they may.
    """

    def __init__(
        self, bench: Bench, folder: Path, pace: Pace, tell: Callable[[str], None] | None = None
    ) -> None:
        self.bench, self.folder, self.pace = bench, folder, pace
        self.tell = tell or (lambda line: print(line, file=sys.stderr, flush=True))
        self.count, self.judged = 0, {}
        self.past: list[Measured] = []
        self.until, self.stopped = time.monotonic() + pace.seconds, ""
        self.grid_until = time.monotonic() + GRID_SHARE * pace.seconds

    def late(self) -> bool:
        """Whether the grid has had its share of the part's time."""
        return time.monotonic() > self.grid_until

    def over(self) -> bool:
        """Whether the part has had its time."""
        return time.monotonic() > self.until

    def share(self, mine: float, of: float) -> float:
        """When a share of the time that is left ends."""
        now = time.monotonic()
        return now + max(0.0, self.until - now) * mine / max(of, mine)

    def run(self, arm: Arm, *, idle: bool = True) -> Measured:
        """One run, measured; raises Failed."""
        time.sleep(self.pace.idle if self.count and idle else 0)
        folder = self.folder / f"{self.count:03d}"
        self.count += 1
        try:
            run = processes.run(arm, folder, limit=self.pace.limit)
            judged = self._judged(run)
            found = Measured(run, self._numbers(run), judged, self._flops(run), self._bound(run))
        finally:
            shutil.rmtree(folder / "out", ignore_errors=True)
        shown = f"{found.numbers['seconds']:.2f} s" + (f" ({found.bound})" if found.bound else "")
        self.tell(f"{self.bench.name} · {arm.name} · {shown}")
        return found

    def beside(self, arm: Arm) -> tuple[Measured, bool]:
        """A run of ours to stand beside the next one: one that was just made, with one other run since at most, or
        another.  The second says whether it was there already."""
        near = next((each for each in reversed(self.past[-2:]) if each.run.arm == arm), None)
        return (near, True) if near else (self.kept(arm), False)

    def kept(self, arm: Arm) -> Measured:
        """A run that may stand beside its neighbours."""
        self.past.append(self.run(arm))
        return self.past[-1]

    def _bound(self, run: Run) -> str:
        if not (self.bench.bound and self.bench.bound(run)):
            return ""
        return f"not reached in {self.bench.seconds(run):.0f} s"

    def _numbers(self, run: Run) -> dict[str, float]:
        own: dict[str, Number] = {"seconds": self.bench.seconds, **self.bench.measures}
        return {
            "cpu": run.cpu,
            "peak": float(run.peak),
            **{name: number(run) for name, number in own.items()},
        }

    def _flops(self, run: Run) -> float | None:
        train = run.said.get("seconds", {}).get("train", 0.0)
        return self.bench.flops(run) / train if self.bench.flops and train else None

    def _judged(self, run: Run) -> dict[str, Any]:
        key = (run.arm.name, repr(sorted(run.arm.task.items(), key=str)))
        if self.bench.judge and key not in self.judged:
            self.judged[key] = dict(self.bench.judge(run))
        return self.judged.get(key, {})
