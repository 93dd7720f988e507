"""Times the first steps of a run on this machine, and sees how much memory they take."""

from __future__ import annotations

import math
import resource
import secrets
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import bases, catalog
from tunesmith.data import profile
from tunesmith.events import Event, Stage, Step
from tunesmith.fields import Record
from tunesmith.lifecycle.datasets import opened
from tunesmith.lifecycle.prepare import content_of
from tunesmith.parts import Job
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.store import files

STEPS = 20
FIRST = 2  # steps that warm caches up and are not counted
DRIFT = (
    0.15  # how far a whole run's pace may lie from that of its first steps: heat, other work on the machine
)


@dataclass(frozen=True, slots=True)
class Steps:
    """seconds: of each step that counts.  peak: the most bytes that the process has held."""

    seconds: tuple[float, ...]
    peak: int

    @property
    def count(self) -> int:
        """How many steps count."""
        return len(self.seconds)

    @property
    def mean(self) -> float:
        """Seconds of a step."""
        return float(np.mean(self.seconds))

    @property
    def span(self) -> tuple[float, float]:
        """(least, most) seconds of a step: the mean's 95 % interval by its standard error, and the drift."""
        error = 1.96 * float(np.std(self.seconds)) / math.sqrt(max(1, self.count))
        return max(0.0, self.mean - error) * (1 - DRIFT), (self.mean + error) * (1 + DRIFT)

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        low, high = self.span
        seconds = {"value": self.mean, "low": low, "high": high, "n": self.count}
        return {"seconds_per_step": seconds, "peak_bytes": self.peak}


def steps(recipe: Recipe, home: Path, offline: bool, stop: threading.Event) -> Generator[Event, None, Steps]:
    """Train twenty steps of a recipe on its own rows in a folder that is removed; nothing is kept of them."""
    data = recipe.data
    dataset = yield from opened(
        data.source, home, form=data.form, fields=data.fields, content=content_of(recipe)
    )
    yield Stage("probe", f"{STEPS} steps on this machine")
    folder = files.make_folder(home / "probes" / secrets.token_hex(6))
    try:
        rows = _drawn(dataset.records, recipe)
        job = _job(recipe, rows, dataset.content, folder, offline, stop)
        begun = list(_timed(job))
    finally:
        files.remove(folder)
    took = np.diff(begun)[FIRST - 1 :] if len(begun) > FIRST else np.diff(begun)
    return Steps(tuple(float(each) for each in took) or (0.0,), peak_bytes())


def _drawn(records: Sequence[Record], recipe: Recipe) -> list[Record]:
    """Rows for twenty steps, at random."""
    wanted = (STEPS + 1) * recipe.train.batch_size
    order = np.random.default_rng(recipe.train.seed).permutation(len(records))[:wanted]
    return [records[row] for row in order.tolist()]


def _job(
    recipe: Recipe, rows: list[Record], content: Any, folder: Path, offline: bool, stop: threading.Event
) -> Job:
    """A run of twenty steps without validation; the learning rate and all else are the recipe's."""
    per_epoch = max(1, round(len(rows) / recipe.train.batch_size))
    values = {"train.epochs": (STEPS + 0.5) / per_epoch, "train.save_steps": STEPS * 10, "train.reuse": "off"}
    short = with_values(recipe, values, by="probe")
    short = with_values(short, catalog.make("approach", short.approach).resolve(short), by="probe")
    task, base = catalog.make("task", short.task), bases.resolve(short.base, offline=offline)
    codec = task.codec(base, profile.profile(rows, content))
    return Job(task, short, rows, (), codec, base, folder, folder / "cache", seed=short.train.seed, stop=stop)


def _timed(job: Job) -> Iterator[float]:
    """The moment at which each step ended."""
    approach = catalog.make("approach", job.recipe.approach)
    for event in approach.fit(job):
        if isinstance(event, Step):
            yield time.perf_counter()


def peak_bytes() -> int:
    """The most memory that this process has held at once (Linux counts kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
