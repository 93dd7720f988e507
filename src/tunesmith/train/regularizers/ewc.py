"""Pulls each of the base's weights to where it began, the harder the more the base's knowledge hangs on it (EWC)."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import doors
from tunesmith.events import Event, Progress
from tunesmith.parts import Batch, Demand, Example, Job, Net, Regularizer, Tensor, Tuning
from tunesmith.tasks import _language
from tunesmith.train import references
from tunesmith.train.regularizers import _general


class Ewc(Regularizer):
    """Elastic weight consolidation (Kirkpatrick et al. 2017, arXiv 1612.00796): ½ · strength · Σ F · ΔW².

    F is the diagonal of the Fisher information of the base's own tensors, whatever the tuning: for adapters ΔW is the
    change that they make of each matrix.  It is taken window by window on general rows, as the squared gradient of a
    window's log-likelihood, and divided by the number of tokens: so the term estimates, for small changes, the
    divergence from the base per token, and compares with the loss.  On rows that the base itself wrote this is its
    Fisher information; on others the empirical one (Kunstner et al. 2019).  It is computed once and kept; it needs a
    float32 number for each weight that moves.

    The default is far above 1 because the estimate falls short of large changes: where a small model of stories learns
    other tales (bench/forgetting.py), plain tuning raises the loss on stories by 1.08; strength 1 spares 20 % of that,
    20 spares 71 %, with a loss on the new tales that is 5.5 % higher.
    """

    general: ClassVar[bool] = True
    measures: ClassVar[bool] = True
    keeps: ClassVar[frozenset[str]] = frozenset({"start", "fisher"})
    strength: float = Field(20.0, gt=0, description="weight of the estimated divergence beside the loss")
    windows: int = Field(256, ge=1, description="windows of general text that the information is taken from")

    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        start = _general.beginning(net, tuning)
        tensors = _general.held(job, net, tuning, start)
        if any(not tensor.is_floating_point() for tensor in tensors.values()):
            raise _general.misfit(job.recipe.regularizer.name, "quantised weights have no gradient")
        rows = _general.windows(job)
        count = min(self.windows, len(rows))
        chosen = _general.drawn(rows, count, job.seed, -1 % (1 << 31))
        contents = [f"{example.row} {example.values['ids']}" for example in chosen]
        name = references.key(net, job.codec, contents, tensors=sorted(tensors))

        def make() -> Generator[Event, None, Mapping[str, Tensor]]:
            return (yield from _information(job, net, tensors, chosen))

        from tunesmith.nn import device

        fisher = device.moved((yield from references.kept(job.cache / "fisher" / name, make)), net)
        return _Pull(self.strength, tuning, start, fisher, job.recipe.regularizer.name)


def _information(
    job: Job, net: Net, tensors: Mapping[str, Any], rows: Sequence[Example]
) -> Generator[Event, None, Mapping[str, Tensor]]:
    from tunesmith.nn import device, fisher

    sums, tokens, begun = fisher.zeros(tensors), 0.0, time.monotonic()
    with fisher.watched(tensors), references.as_it_is(net), doors.open("torch").enable_grad():
        for done, row in enumerate(rows, 1):
            batch = _language.collate([row], job.codec)
            fisher.add(sums, net.nll_sum(device.moved(batch.tensors, net)), tensors)
            tokens += batch.counts["token"]
            yield Progress("fisher", done, len(rows), time.monotonic() - begun)
    return {name: total / tokens for name, total in sums.items()}


@dataclass(frozen=True)
class _Pull:
    strength: float
    tuning: Tuning
    start: Mapping[str, Tensor]
    fisher: Mapping[str, Tensor]
    name: str

    def batches(self, step: int) -> list[Batch]:
        return [Batch({}, (), {self.name: 1.0}, self.name)]

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        moved = self.tuning.change(net, _general.as_typed(net, self.start))
        terms = [
            (self.fisher[name] * change.float().square()).sum()
            for name, change in moved
            if name in self.fisher
        ]
        return {self.name: 0.5 * self.strength * sum(terms[1:], terms[0])}
