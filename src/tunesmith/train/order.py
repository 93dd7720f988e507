"""The order of training rows: a function of (seed, epoch), never of history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.parts import Batch, Draw, Example, Job, Lesson


def examples(job: Job, lesson: Lesson, epoch: int) -> list[Example]:
    """All training examples of an epoch, in row order."""
    draw = Draw(job.seed, epoch)
    return [example for record in job.train for example in lesson.encode(record, job.codec, draw)]


def steps(job: Job, lesson: Lesson) -> int:
    """Optimiser steps of a whole run."""
    return _total(job, _per_epoch(job, examples(job, lesson, 0)))


def _total(job: Job, per_epoch: int) -> int:
    return max(1, math.ceil(job.options.epochs * per_epoch))


def _per_epoch(job: Job, first: Sequence[Example]) -> int:
    """Optimiser steps of one epoch: fixed by the examples of epoch 0, so that a schedule never moves."""
    return max(1, round(len(first) / job.options.batch_size))


def feed(job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
    """Every epoch sees every row once: (epoch after the step, its micro-batches) from `step` on."""
    begun = examples(job, lesson, 0)
    per_epoch = _per_epoch(job, begun)
    total = _total(job, per_epoch)
    while step < total:
        epoch, first = divmod(step, per_epoch)
        rows = examples(job, lesson, epoch) if epoch else begun
        planned = batches(rows, per_epoch, job.options.window, job.seed, epoch)
        # oversampling may leave an epoch with fewer batches than epoch 0 had: the last ones are met again
        for index in range(first, min(per_epoch, total - epoch * per_epoch)):
            parts = micro(planned[index % len(planned)], job.options.micro_tokens)
            step += 1
            yield step / per_epoch, [lesson.collate(part, job.codec) for part in parts]


def batches(rows: Sequence[Example], count: int, window: int, seed: int, epoch: int) -> list[list[Example]]:
    """`count` near-equal batches: shuffled, then sorted by length inside windows of `window` batches.

    Sorting saves padding; the window keeps a batch's rows random.  The batches themselves come in random order.
    """
    rng = np.random.default_rng([seed, epoch, 7])
    order = rng.permutation(len(rows))
    per_batch = max(1, -(-len(rows) // count))
    if window > 1:
        spans = np.array_split(order, max(1, round(len(rows) / (per_batch * window))))
        lengths = np.array([example.length for example in rows])
        order = np.concatenate([span[np.argsort(lengths[span], kind="stable")] for span in spans])
    parts = [part for part in np.array_split(order, count) if len(part)]
    return [[rows[i] for i in parts[p]] for p in rng.permutation(len(parts))]


def micro(batch: Sequence[Example], budget: int) -> list[list[Example]]:
    """A batch divided, sorted by length, into micro-batches of at most `budget` padded tokens (0: no limit).

    One example alone may be longer.
    """
    if not budget:
        return [list(batch)]
    parts: list[list[Example]] = []
    for example in sorted(batch, key=lambda each: each.length):
        if parts and (len(parts[-1]) + 1) * example.length <= budget:
            parts[-1].append(example)
        else:
            parts.append([example])
    return parts
