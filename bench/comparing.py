"""Runs the arms of one part of a row: each column A B B A …, ours against itself; what of it is to be said.

A run that fails ends its own column, not the others.  What an arm saved is judged right after the first run of that
arm and then thrown away.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import checks, pairing, processes
from bench.row import Arm, Bench, Number, Run

PATH = re.compile(r"(?<![\w.:/])/(?:[\w.+@-]+/)+")  # folders of this machine, which no result names
STRAY = 0.03  # by which an arm against itself may miss 1, else the machine was too restless to say anything
FEW, MANY = 2, 4  # pairs of the default column, and of others


@dataclass(frozen=True)
class Pace:
    """How runs follow each other.

    idle: seconds between runs.  limit: seconds of a run.  most: pairs at most, 0: as the row says.  control: pairs of
    ours against itself.  grid: whether learning rates are tried.
    """

    idle: float = 20.0
    limit: float = processes.LIMIT
    most: int = 0
    control: int = 2
    grid: bool = True

    def pairs(self, bench: Bench, column: str) -> int:
        """Pairs of a column."""
        asked = bench.pairs.get(column, FEW if column == "default" else MANY)
        return min(asked, self.most) if self.most else asked


@dataclass(frozen=True)
class Measured:
    """A run with its numbers: 'seconds', 'cpu', 'peak' and those of the row.

    judged: of the arm's first run.  flops: useful ones a second of training, None where the row counts none.
    """

    run: Run
    numbers: dict[str, float]
    judged: dict[str, Any] = field(default_factory=dict)
    flops: float | None = None


class Course:
    """The runs of one part, in order, each in a folder of its own, with rest between them."""

    def __init__(
        self, bench: Bench, folder: Path, pace: Pace, tell: Callable[[str], None] | None = None
    ) -> None:
        self.bench, self.folder, self.pace = bench, folder, pace
        self.tell = tell or (lambda line: print(line, file=sys.stderr, flush=True))
        self.count, self.judged = 0, {}

    def run(self, arm: Arm) -> Measured:
        """One run, measured; raises Failed."""
        time.sleep(self.pace.idle if self.count else 0)
        folder = self.folder / f"{self.count:03d}"
        self.count += 1
        try:
            run = processes.run(arm, folder, limit=self.pace.limit)
            found = Measured(run, self._numbers(run), self._judged(run), self._flops(run))
        finally:
            shutil.rmtree(folder / "out", ignore_errors=True)
        self.tell(f"{self.bench.name} · {arm.name} · {found.numbers['seconds']:.2f} s")
        return found

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


def compared(course: Course, ours: Arm, theirs: Arm, pairs: int) -> dict[str, Any]:
    """{arms, ratios of each measure, quality, checks, runs}: ratios are theirs ÷ ours."""
    sides = pairing.order(pairs)
    runs = [course.run(ours if side == "A" else theirs) for side in sides]
    mine, other = runs[sides.index("A")], runs[sides.index("B")]
    return {
        "arms": [told(ours), told(theirs)],
        "ratios": {name: asdict(_ratio(sides, runs, name)) for name in mine.numbers},
        "medians": {side: _medians(runs, sides, side) for side in ("A", "B")},
        "quality": checks.quality(course.bench, mine.judged, other.judged),
        "checks": checks.alike(course.bench, mine.run, other.run),
        "runs": [_short(side, each) for side, each in zip(sides, runs, strict=True)],
    }


def control(course: Course, arm: Arm, pairs: int) -> dict[str, Any]:
    """An arm against itself: {ratio, sound}."""
    sides = pairing.order(pairs)
    found = _ratio(sides, [course.run(arm) for _ in sides], "seconds")
    return {"arm": arm.name, "ratio": asdict(found), "sound": abs(found.value - 1) <= STRAY}


def told(arm: Arm) -> dict[str, Any]:
    """What a result says of an arm: its settings; of paths the last name only."""
    settings = {key: _named(each) for key, each in arm.task.items()}
    return {"name": arm.name, "script": arm.script, "task": settings, "about": dict(arm.about)}


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_named(each) for each in value]
    return PATH.sub("…/", str(value)) if isinstance(value, str | Path) else value


def _ratio(sides: Sequence[str], runs: Sequence[Measured], name: str) -> pairing.Ratio:
    numbers = [each.numbers[name] for each in runs]
    return pairing.ratio(pairing.paired(list(zip(sides, numbers, strict=True))))


def _medians(runs: Sequence[Measured], sides: Sequence[str], side: str) -> dict[str, float]:
    mine = [each.numbers for each, where in zip(runs, sides, strict=True) if where == side]
    return {name: statistics.median(each[name] for each in mine) for name in mine[0]}


def _short(side: str, each: Measured) -> dict[str, Any]:
    run = each.run
    told = {"wall": run.wall, "stolen": run.stolen, "load": run.load, "flops_per_second": each.flops}
    return {"side": side, "arm": run.arm.name, **each.numbers, **told, "said": checks.brief(run.said)}
