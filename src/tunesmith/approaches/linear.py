"""Word and character n-grams under a linear layer: no torch, no network, seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from tunesmith.errors import DataError
from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.inputs import heads, ngrams
from tunesmith.parts import Approach, Codec, Job, Output, Predictor, Task

SECONDS_PER_MILLION = 12.0  # characters × classes, in millions, measured on two cores


class Linear(Approach):
    """TF-IDF of n-grams, then one linear layer."""

    refits: ClassVar = True
    words: int = Field(2, ge=1, le=4, description="longest word n-gram")
    characters: int = Field(4, ge=2, le=6, description="longest character n-gram inside words")
    strength: float = Field(1.0, gt=0, description="inverse of the L2 penalty")

    def serves(self, task: Task) -> bool:
        return task.classifies

    def resolve(self, recipe: object) -> dict[str, Any]:
        return {}

    def seconds(self, job: Job, *, probe: bool) -> float:
        size = sum(len(job.task.text(record)) for record in job.train) * len(job.codec.settings["labels"])
        return 0.2 + SECONDS_PER_MILLION * size / 1e9

    def shorter(self, recipe: object, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        grams = ngrams.Ngrams({"word": self.words, "char_wb": self.characters})
        try:
            rows = grams.fit([job.task.text(record) for record in job.train])
        except ValueError as reason:
            raise DataError(
                "Q503",
                f"there is nothing to learn from: {reason}",
                expected="texts",
                fixes=("tunesmith data check FILE", "--text COLUMN"),
                where=job.recipe.data.source,
            ) from None
        index = {label: n for n, label in enumerate(job.codec.settings["labels"])}
        head = heads.fit_margins(
            rows,
            [index[job.task.target(record) or ""] for record in job.train],
            len(index),
            strength=self.strength,
            balanced=job.codec.settings["balance"] != "none",
            seed=job.seed,
        )
        grams.save(job.model)
        head.save(job.model)
        yield from ()

    def open(self, folder: Path, task: Task, codec: Codec, base: object, recipe: object) -> Predictor:
        return _Linear(task, ngrams.Ngrams.load(folder), heads.Head.load(folder))


class _Linear(Predictor):
    def __init__(self, task: Task, grams: ngrams.Ngrams, head: heads.Head) -> None:
        self._task, self._grams, self._head = task, grams, head

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        if not records:
            return []
        rows = self._grams.transform([self._task.text(record) for record in records])
        return [[logits] for logits in self._head.logits(rows)]
