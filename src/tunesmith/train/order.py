"""The order of training rows: a function of (seed, epoch), never of history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.parts import Draw, Example, Job


def examples(job: Job, epoch: int) -> list[Example]:
    """All training examples of an epoch, in row order."""
    draw = Draw(job.seed, epoch)
    return [example for record in job.train for example in job.task.encode(record, job.codec, draw)]


def steps_per_epoch(job: Job) -> int:
    """Optimiser steps of one epoch: fixed by epoch 0, so that a schedule never moves."""
    return max(1, round(len(examples(job, 0)) / job.options.batch_size))


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


def micro(batch: Sequence[Example], parts: int) -> list[list[Example]]:
    """A batch divided into at most `parts` near-equal micro-batches."""
    return [[batch[i] for i in part] for part in np.array_split(np.arange(len(batch)), parts) if len(part)]
