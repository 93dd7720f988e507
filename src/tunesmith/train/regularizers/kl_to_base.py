"""Keeps what the model says of general text close to what the base says of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import doors
from tunesmith.events import Event
from tunesmith.parts import Batch, Demand, Example, Job, Net, Regularizer, Tensor, Tuning
from tunesmith.train import references
from tunesmith.train.regularizers import _general


class KlToBase(Regularizer):
    """strength · KL(base ‖ tuned) per token of general text (learning without forgetting, Li & Hoiem 2016,
    arXiv 1606.09282).

    The base is the net with the weights with which the run began: they stand in for the moving ones while it is asked,
    so that no second model is held.  Both distributions are whole, and exist for a few tokens at a time.
    """

    general: ClassVar[bool] = True
    keeps: ClassVar[frozenset[str]] = frozenset({"start"})
    strength: float = Field(1.0, gt=0, description="weight of the divergence beside the loss")
    windows: int = Field(4, ge=1, description="windows of general text in each step")

    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        yield from ()
        from tunesmith.nn import readout

        moving = {name: p.detach().clone() for name, p in net.named_parameters() if p.requires_grad}
        rows = _general.windows(job)
        return _Close(job, rows, self.strength, self.windows, moving, readout.of(net.backbone))


@dataclass(frozen=True)
class _Close:
    job: Job
    rows: Sequence[Example]
    strength: float
    windows: int
    start: Mapping[str, Tensor]
    shape: Any

    def batches(self, step: int) -> list[Batch]:
        rows = _general.drawn(self.rows, self.windows, self.job.seed, step)
        return _general.batches(rows, self.job, self.job.recipe.regularizer.name)

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        from tunesmith.nn import divergences, stand_ins

        torch, words = doors.open("torch"), net.backbone.config.vocab_size
        types = {name: p.dtype for name, p in net.named_parameters()}
        start = {name: tensor.to(types[name]) for name, tensor in self.start.items()}

        def at_first(ask: Callable[[Net], Any]) -> Any:
            return stand_ins.ask(net, start, ask)

        with torch.no_grad(), references.as_it_is(net):
            known, _, _ = at_first(lambda base: divergences.supervised(base, batch.tensors))
        states, _, weights = divergences.supervised(net, batch.tensors)

        def first(asking: Tensor) -> Tensor:
            return at_first(lambda base: divergences.logits_of(base, self.shape)(asking))

        far = divergences.kl_sum(first, known, divergences.logits_of(net, self.shape), states, weights, words)
        return {batch.owner: self.strength * far}
