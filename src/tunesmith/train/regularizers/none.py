"""Nothing is asked of the weights beside the objective."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tunesmith.events import Event
from tunesmith.parts import Batch, Demand, Job, Net, Regularizer, Tensor, Tuning


class Nothing(Regularizer):
    """The weights are free."""

    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        yield from ()
        return _Free()


class _Free:
    def batches(self, step: int) -> list[Batch]:
        return []

    def loss(self, net: Any, batch: Batch) -> dict[str, Tensor]:
        raise AssertionError("it adds no batch")
