"""Rows as tokens, made once: remembered over the epochs of a run, and on disk for the next one.

What a task makes of a row without asking for chance is the same in every epoch.  On disk it is named by the task, all
that turns rows into tokens, and the rows; a sealed folder that is damaged is set aside and made again.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tunesmith import doors, inputs, machine, tasks
from tunesmith.errors import CapacityError
from tunesmith.events import Event, Note
from tunesmith.fields import Record
from tunesmith.parts import Batch, Codec, Draw, Example, Job, Lesson, Net, NeuralTask, Output, Tensor
from tunesmith.store import files
from tunesmith.train import references

FEWEST = 512  # rows that are worth a file
SCALARS = {int: np.int64, float: np.float64, bool: np.bool_}
Columns = dict[str, np.ndarray]


class _Watched(Draw):
    """A draw that knows whether somebody asked it."""

    asked = False

    def of(self, row: str) -> np.random.Generator:
        self.asked = True
        return super().of(row)


class Remembered:
    """A lesson that makes a row into examples once, unless chance has a part in them."""

    early: ClassVar[tuple[str, ...]] = ()  # the lesson itself judges

    def __init__(self, lesson: Lesson, codec: Codec) -> None:
        self.lesson, self._codec = lesson, codec
        self._known: dict[tuple[str, bool], list[Example]] = {}
        self.decode, self.outcomes = lesson.decode, lesson.outcomes

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """The lesson's examples."""
        name = (record.key, draw is not None)
        if codec is not self._codec or not record.key:
            return self.lesson.encode(record, codec, draw)
        if name in self._known:
            return self._known[name]
        watched = draw and _Watched(draw.seed, draw.epoch)
        found = self.lesson.encode(record, codec, watched)
        if watched is None or not watched.asked:
            self._known[name] = found
        return found

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """The lesson's batch."""
        return self.lesson.collate(examples, codec)

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        """The lesson's loss."""
        return self.lesson.loss(net, batch)

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """What the lesson predicts."""
        return self.lesson.predict(net, batch, codec)

    def known(self, rows: Sequence[Record]) -> list[list[Example]] | None:
        """What is remembered of training rows; None where chance had a part in one of them."""
        found = [self._known.get((record.key, True)) for record in rows]
        return None if any(each is None for each in found) else [each for each in found if each is not None]

    def learn(self, rows: Sequence[Record], examples: Sequence[list[Example]]) -> None:
        """Remember the examples of training rows."""
        for record, made in zip(rows, examples, strict=True):
            self._known[record.key, True] = made


def remembered(job: Job, lesson: Lesson) -> Generator[Event, None, Remembered]:
    """The lesson with the examples of its training rows, where they stand on disk or can be kept there."""
    made = Remembered(lesson, job.codec)
    if len(job.train) < FEWEST or not isinstance(lesson, NeuralTask):
        return made
    folder = job.cache / "tokens" / _name(job, lesson)

    first = None if folder.is_dir() else _columns(job, made)
    if first is None and not folder.is_dir():
        return made

    def make() -> Generator[Event, None, Mapping[str, Tensor]]:
        yield from ()
        columns, torch = first or _columns(job, made) or {}, doors.open("torch")
        return {name: torch.from_numpy(column) for name, column in columns.items()}

    try:
        found = yield from references.kept(folder, make)
    except CapacityError as refusal:
        yield Note(f"the rows' tokens are not kept: {refusal.found}", "warning")
        return made
    if first is None:
        made.learn(job.train, read(job.train, {name: column.numpy() for name, column in found.items()}))
    return made


def _columns(job: Job, lesson: Remembered) -> Columns | None:
    """The examples of the training rows; None where chance has a part in them, or they hold more than numbers."""
    for record in job.train:
        lesson.encode(record, job.codec, Draw(job.seed, 0))
    known = lesson.known(job.train)
    return None if known is None else written(known)


def _name(job: Job, task: NeuralTask) -> str:
    """Everything that the examples depend on: rows, settings, tokenizer, libraries, and the code that makes them."""
    kind = f"{type(task).__module__} {task.model_dump_json()}"
    rows = hashlib.sha256("".join(record.key for record in job.train).encode()).hexdigest()
    about = [kind, references.codec_digest(job.codec), machine.versions(), _sources(type(task)), rows]
    return hashlib.sha256(files.canonical_json(about)).hexdigest()[:40]


def _sources(task: type[NeuralTask]) -> str:
    """SHA-256 of the code of a task (a plug-in's changes without a version) and of all that reads rows."""
    own = {Path(inspect.getfile(each)) for each in task.__mro__ if each.__module__ != "builtins"}
    house = {path for package in (inputs, tasks) for path in Path(*package.__path__).glob("*.py")}
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(own | house))).hexdigest()


# ---- as columns -------------------------------------------------------------------------------------------------


def written(rows: Sequence[Sequence[Example]]) -> Columns | None:
    """The examples of some rows as columns; None where a value is neither a number nor a list of numbers.

    `examples`: how many each row has; `length`: that of each example; of each value its numbers, all examples' in one
    column, and `count/NAME` how many each has, −1 for a number that is no list.
    """
    every = [example for examples in rows for example in examples]
    if not every or any(example.values.keys() != every[0].values.keys() for example in every):
        return None
    found = {"examples": np.array([len(examples) for examples in rows], np.int64)}
    found["length"] = np.array([example.length for example in every], np.int64)
    for name in every[0].values:
        values = [example.values[name] for example in every]
        if all(value is None for value in values):
            found[f"none/{name}"] = np.zeros(0, np.int64)
            continue
        lists = [value if isinstance(value, (list, tuple)) else [value] for value in values]
        kinds = {type(number) for each in lists for number in each}
        if len(kinds) != 1 or not kinds <= SCALARS.keys():
            return None
        counts = [len(value) if isinstance(value, (list, tuple)) else -1 for value in values]
        found[f"count/{name}"] = np.array(counts, np.int64)
        found[f"value/{name}"] = np.array([n for each in lists for n in each], SCALARS[kinds.pop()])
    return found


def read(rows: Sequence[Record], columns: Mapping[str, np.ndarray]) -> list[list[Example]]:
    """What `written` wrote, of the same rows."""
    values: dict[str, list[Any]] = {}
    for column, counts in columns.items():
        kind, _, name = column.partition("/")
        if kind == "none":
            values[name] = [None] * len(columns["length"])
        elif kind == "count":
            values[name] = _apart(columns[f"value/{name}"], counts)
    lengths, names, at = columns["length"].tolist(), sorted(values), 0
    found: list[list[Example]] = []
    for record, count in zip(rows, columns["examples"].tolist(), strict=True):
        made = range(at, at + count)
        found.append([Example(record.key, {n: values[n][i] for n in names}, lengths[i]) for i in made])
        at += count
    return found


def _apart(numbers: np.ndarray, counts: np.ndarray) -> list[Any]:
    ends = np.abs(counts).cumsum().tolist()
    flat, starts = numbers.tolist(), [0, *ends]
    return [
        flat[first] if count < 0 else flat[first:last]
        for first, last, count in zip(starts, ends, counts.tolist(), strict=False)
    ]
