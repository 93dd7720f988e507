"""Mixes general text into every step, learnt as it stands."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from tunesmith.events import Event
from tunesmith.parts import Batch, Demand, Example, Job, Net, Regularizer, Tensor, Tuning
from tunesmith.train.regularizers import _general


class Replay(Regularizer):
    """Rehearsal (Robins 1995): `share` of what a step learns is general text.

    Its mean loss per token stands beside that of the data with the weight share ÷ (1 − share), whatever the lengths of
    rows; so many windows are drawn, one at least, by (seed, step).
    """

    general: ClassVar[bool] = True
    share: float = Field(0.1, gt=0, lt=1, description="share of general text in what each step learns")

    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        yield from ()
        return _Again(job, _general.windows(job), self.share / (1 - self.share))


@dataclass(frozen=True)
class _Again:
    job: Job
    rows: Sequence[Example]
    weight: float

    def batches(self, step: int) -> list[Batch]:
        count = max(1, round(self.job.options.batch_size * self.weight))
        rows = _general.drawn(self.rows, count, self.job.seed, step)
        return _general.batches(rows, self.job, self.job.recipe.regularizer.name)

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        return {batch.owner: self.weight * net.nll_sum(batch.tensors)}
