"""What a row of the table is made of: options, arms, runs, goals, and the parts that a row's `prepare` gives.

A row is a file `bench/rows/NAME.py` with a function `prepare(options: Options) -> Sequence[Bench]`, a docstring whose
first line is what `python -m bench` lists, and `MINUTES`, its share of the table's time on two cores.  Most rows have
one part; a row with several (cold and warm, head only and two layers) gives several, each with its own arms and goals.

    def prepare(options: Options) -> Sequence[Bench]:
        task = {"weights": ..., "tokens": ..., "text": ..., "rate": 1e-4, "updates": 60, "batch": 16, ...}
        ours = Arm("tunesmith", options.ours, "ours_sft.py", task, rates=(1e-4, 3e-4, 1e-3))
        default = Arm("TRL, defaults", options.peers, "trl_sft.py", task)
        tuned = Arm("TRL, tuned", options.peers, "trl_sft.py", {**task, "options": {...}}, rates=(...))
        return [Bench("C1", "", WORK, ours, {"default": [default], "best": [tuned, ...]}, goals=GOALS, judge=...)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

ARMS = Path(__file__).parent / "arms"
JUDGES = Path(__file__).parent / "judges"


@dataclass(frozen=True)
class Options:
    """What the command line says.

    quick: a small subset and few pairs.  shared: folder of data and models.  work: where a row's inputs lie (tokens,
    weights); --work keeps it between invocations.  ours, peers: the two pythons.  threads: of each arm.
    more: `--set key=value`, for a row's own options.
    """

    quick: bool
    shared: Path
    work: Path
    ours: str
    peers: str
    threads: int
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One of the programs that are compared: `python script TASK.json` in a fresh process.

    name: as tables show it.  script: a file of `bench/arms/`.  task: what TASK.json says; the runner adds "out", a
    folder.  rates: the learning rates that the grid tries (in task["rate"]); empty: the task's own.  shorter: what the
    grid changes in the task (fewer updates), empty: nothing.  about: what a reader must know to run it again (settings,
    why).  like: another arm of its column, named before it, that computes the same: its rate is taken instead of a
    grid.  cannot: why this peer can't run here; then it isn't run and has no ratio.
    """

    name: str
    python: str
    script: str
    task: Mapping[str, Any]
    rates: Sequence[float] = ()
    shorter: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    like: str = ""
    cannot: str = ""

    def at(self, rate: float, **changes: Any) -> Arm:
        """The same arm at another learning rate."""
        return replace(self, task={**self.task, "rate": rate, **changes})


@dataclass(frozen=True)
class Run:
    """One run of an arm.

    folder: the run's own; what the arm saved lies in folder / "out" until the run is measured.  wall, cpu: seconds,
    child processes included.  peak: bytes, the largest process's resident memory.  An arm that only starts another
    program says that one's, as "cpu_seconds" and "peak_bytes".  stolen: the share of processor time
    that other guests of the machine took.  load: runnable processes at the start.  said: the arm's last line.
    """

    arm: Arm
    folder: Path
    wall: float
    cpu: float
    peak: int
    stolen: float
    load: float
    said: Mapping[str, Any]


Number = Callable[[Run], float]
Judge = Callable[[Run], Mapping[str, Any]]


def spent(run: Run) -> float:
    """Seconds of import, load, prepare and train as the arm says: what is compared unless a row says otherwise."""
    return sum(run.said["seconds"].values())


@dataclass(frozen=True)
class Goal:
    """What a column must show: the ratio peer ÷ ours of a measure, at least `floor`, better `goal`.

    column: of `Bench.peers`, or "leanest": the column whose measure is smallest.  measure: of `Bench.measures`, or
    "seconds", "cpu", "peak", which every part has.
    """

    column: str
    floor: float
    goal: float | None = None
    measure: str = "seconds"


@dataclass(frozen=True)
class Bench:
    """One part of a row.

    part: empty where the row has one part.  work: what is done, on which seeded rows: one sentence for the table.
    peers: column → candidates; of several the best at its best rate counts (the fastest whose quality is within
    `tolerance` of the best candidate's); "default" and "best" are the two usual columns.
    seconds: what is compared.  It may ask a judge (time to quality).  bound: whether a run ended before its quality was
    reached; its seconds are then what was spent, and the ratio is a bound.
    measures: further numbers to compare, smaller is better (seconds a token).
    judge: quality of what a run saved; "rows" in it, one number a held-out row, makes the paired interval.
    quality: the judge's key that counts; better: +1 where more of it is better, -1 where less.  tolerance: how much
    worse ours may be, beyond noise, before the part is void.  by_time: the grid takes the rate with the fewest seconds
    instead of the best quality.
    flops: useful model FLOPs of a run's training; shapes: (m, k, n) of its matrix products, for the peak that MFU
    stands against.  first_loss: whether arms begin at the same loss.  trains: whether ids must hash alike and weights
    must move.  pairs: at most, by column; 2 for "default" and 4 for others unless said.  minutes: its share of the
    row's time beside the row's other parts.  facts: for the result (rows, tokens).
    before: called once ahead of the first run (fills caches that a part wants warm).  control: whether ours is run
    against itself; one part of a row is enough.
    """

    row: str
    part: str
    work: str
    ours: Arm
    peers: Mapping[str, Sequence[Arm]]
    goals: Sequence[Goal]
    seconds: Number = spent
    bound: Callable[[Run], bool] | None = None
    measures: Mapping[str, Number] = field(default_factory=dict)
    judge: Judge | None = None
    quality: str = ""
    better: Literal[1, -1] = 1
    tolerance: float = 0.0
    by_time: bool = False
    flops: Number | None = None
    shapes: Sequence[tuple[int, int, int]] = ((2048, 2048, 2048),)
    first_loss: bool = True
    trains: bool = True
    pairs: Mapping[str, int] = field(default_factory=dict)
    minutes: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    control: bool = True

    @property
    def name(self) -> str:
        """Row and part, as files and tables name them."""
        return f"{self.row} {self.part}".strip()
