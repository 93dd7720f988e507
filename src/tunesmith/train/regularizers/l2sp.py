"""Pulls the base's weights to where they began (L2-SP)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from tunesmith.events import Event
from tunesmith.parts import Batch, Demand, Job, Net, Regularizer, Tensor, Tuning
from tunesmith.train.regularizers import _general


class L2sp(Regularizer):
    """½ · strength · Σ ΔW² (Li et al. 2018, arXiv 1802.01483), for adapters over the change that they make of each
    matrix.  Every weight counts alike, whatever it is worth to the base; `ewc` weighs them."""

    measures: ClassVar[bool] = True
    keeps: ClassVar[frozenset[str]] = frozenset({"start"})
    strength: float = Field(0.1, gt=0, description="pull for each unit of squared change")

    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        start = _general.beginning(net, tuning)
        _general.held(job, net, tuning, start)
        yield from ()
        return _Pull(self.strength, tuning, start, job.recipe.regularizer.name)


@dataclass(frozen=True)
class _Pull:
    strength: float
    tuning: Tuning
    start: Mapping[str, Tensor]
    name: str

    def batches(self, step: int) -> list[Batch]:
        return [Batch({}, (), {self.name: 1.0}, self.name)]

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        moved = self.tuning.change(net, _general.as_typed(net, self.start))
        squares = [change.float().square().sum() for _, change in moved]
        return {self.name: 0.5 * self.strength * sum(squares[1:], squares[0])}
