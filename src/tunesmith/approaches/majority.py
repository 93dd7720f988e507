"""Says what is most frequent, whatever the text: the score that every other model must beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.parts import Approach, Codec, Job, Output, Predictor, Task
from tunesmith.store import files


class Majority(Approach):
    """Log frequencies of the training labels as logits."""

    refits: ClassVar = True

    def serves(self, task: Task) -> bool:
        return task.classifies

    def resolve(self, recipe: object) -> dict[str, Any]:
        return {}

    def seconds(self, job: Job, *, probe: bool) -> float:
        return 0.0

    def shorter(self, recipe: object, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        labels = list(job.codec.settings["labels"])
        counts = np.zeros(len(labels))
        for record in job.train:
            counts[labels.index(job.task.target(record))] += 1
        # one row is added to each label, so that no label is held impossible
        logits = np.log((counts + 1) / (counts + 1).sum())
        files.write_json(job.model / "majority.json", {"logits": [float(x) for x in logits]})
        yield from ()

    def open(self, folder: Path, task: Task, codec: Codec, base: object, recipe: object) -> Predictor:
        return _Constant(np.array(files.read_json(folder / "majority.json")["logits"], np.float32))


class _Constant(Predictor):
    def __init__(self, logits: np.ndarray) -> None:
        self._logits = logits

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return [[self._logits] for _ in records]
