"""The task's own loss on the task's own rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tunesmith.parts import Batch, Job, Net, NeuralTask, Objective, Tensor
from tunesmith.train import order


class Supervised(Objective):
    """Every epoch sees every row once; classification, instruction tuning and the like are this on their own tasks."""

    def feed(self, job: Job, step: int) -> Iterator[tuple[float, list[Batch]]]:
        task = _neural(job)
        per_epoch, total = order.steps_per_epoch(job), self.steps(job)
        while step < total:
            epoch, first = divmod(step, per_epoch)
            rows = order.examples(job, epoch)
            batches = order.batches(rows, per_epoch, job.options.window, job.seed, epoch)
            # oversampling may leave an epoch with fewer batches than epoch 0 had: the last ones are met again
            for index in range(first, min(per_epoch, total - epoch * per_epoch)):
                parts = order.micro(batches[index % len(batches)], job.options.accumulation)
                step += 1
                yield step / per_epoch, [task.collate(part, job.codec) for part in parts]

    def steps(self, job: Job) -> int:
        return max(1, math.ceil(job.options.epochs * order.steps_per_epoch(job)))

    def loss(self, job: Job, net: Net, batch: Batch) -> dict[str, Tensor]:
        return _neural(job).loss(net, batch)


def _neural(job: Job) -> NeuralTask:
    assert isinstance(job.task, NeuralTask)
    return job.task
