"""Rows of one prompt as one unit of the order: they meet in the same optimiser step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from tunesmith.fields import Record, row_key
from tunesmith.outcomes import Answer, Outcomes, Prediction
from tunesmith.parts import Batch, Codec, Draw, Example, Job, Lesson, Net, Output, Tensor


@dataclass(frozen=True)
class Together:
    """A lesson whose examples are those of all rows of a prompt.

    rows: key of the row that stands for a prompt → all its rows.  An example's length is what its rows cost, padded
    to the longest.
    """

    early: ClassVar[tuple[str, ...]] = ()  # what is judged are single rows
    lesson: Lesson
    rows: Mapping[str, Sequence[Record]]

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """None where no row of the prompt has room in the window."""
        parts = [each for row in self.rows[record.key] for each in self.lesson.encode(row, codec, draw)]
        length = max((part.length for part in parts), default=0) * len(parts)
        return [Example(record.key, {"parts": parts}, length)] if parts else []

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """The batch of all rows of some prompts."""
        return self.lesson.collate([part for each in examples for part in each.values["parts"]], codec)

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        return self.lesson.loss(net, batch)

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return self.lesson.predict(net, batch, codec)

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction | Answer:
        return self.lesson.decode(record, outputs, codec)

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Prediction | Answer], groups: Sequence[str | int]
    ) -> Outcomes:
        return self.lesson.outcomes(records, decoded, groups)


def together(job: Job, lesson: Lesson) -> tuple[Job, Lesson]:
    """The job and the lesson by prompts: a step has about as many rows as the recipe's batch says."""
    found: dict[str, list[Record]] = {}
    for row in job.train:
        found.setdefault(row_key({"prompt": row.fields["prompt"]}), []).append(row)
    units = [rows[0] for rows in found.values()]
    size = max(1, round(job.options.batch_size * len(units) / max(1, len(job.train))))
    options = job.options.model_copy(update={"batch_size": size})
    fewer = replace(job, train=units, recipe=job.recipe.model_copy(update={"train": options}))
    return fewer, Together(lesson, {rows[0].key: rows for rows in found.values()})
