"""A frozen encoder, its vectors cached by content hash, and a linear layer on top."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import machine
from tunesmith.bases import Base
from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.inputs import heads
from tunesmith.parts import Approach, Codec, Job, NeuralTask, Output, Predictor, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.train import frozen

START_SECONDS, ROWS_PER_SECOND = 6.0, 300.0  # to load and to encode, two cores, minilm, short texts
HEAD_SECONDS = 2.0
PROBE = 48  # rows that are encoded to estimate the time of all


class Features(Approach):
    """A linear layer on standardised vectors; the encoder never moves."""

    refits: ClassVar = True
    based: ClassVar = True
    library: ClassVar = "torch"
    strength: float = Field(frozen.STRENGTH, gt=0, description="inverse of the L2 penalty")

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask) and task.classifies

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {"train.threads": recipe.train.threads or machine.usual_threads()}

    def seconds(self, job: Job, *, probe: bool) -> float:
        if not probe:
            return START_SECONDS + (len(job.train) + len(job.validation)) / ROWS_PER_SECOND
        encoder = frozen.Encoder(job.task, job.codec, job.base, job.recipe)
        cache = frozen.Cache(job.cache, encoder.key)
        new = [record for record in [*job.train, *job.validation] if record.key not in cache.rows]
        sample = new[:: max(1, len(new) // PROBE)][:PROBE]
        if not sample:
            return HEAD_SECONDS
        start = time.perf_counter()
        encoder.vectors(sample)
        return HEAD_SECONDS + (time.perf_counter() - start) * len(new) / len(sample)

    def shorter(self, recipe: object, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        head = yield from frozen.fit_head(job, self.strength)
        head.save(job.model)

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        return _Features(frozen.Encoder(task, codec, base, recipe), heads.Head.load(folder))


class _Features(Predictor):
    def __init__(self, encoder: frozen.Encoder, head: heads.Head) -> None:
        self._encoder, self._head, self.held = encoder, head, encoder.held

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        if not records:
            return []
        return [[logits] for logits in self._head.logits(self._encoder.vectors(records))]
