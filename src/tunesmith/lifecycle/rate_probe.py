"""A learning-rate range test: the rate rises from step to step, and the loss says where it is too high.

Smith 2017 (cyclical learning rates).  It is an ordinary run that is all warm-up, on the training rows.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from tunesmith import catalog
from tunesmith.errors import TrainingError
from tunesmith.events import Event, Progress, Stage, Step
from tunesmith.parts import Approach, Job
from tunesmith.recipe.setting import with_values
from tunesmith.store import files

STEPS = 60
HIGHEST = 20.0  # times the rate that the tuning takes by itself
SMOOTH = 0.8  # share of the past in the running mean of the loss
SPAN = 30.0  # the highest rate of the range ÷ its lowest
FEWEST = 5  # steps from which anything can be told
DIGITS = 3


def probed(job: Job) -> Generator[Event, None, tuple[float, float]]:
    """(low, high): the rates among which the best one is likely to be.

    job: its recipe is decided, with the learning rate that it takes by itself; its folder is removed afterwards.
    """
    approach: Approach = catalog.make("approach", job.recipe.approach)
    assert job.options.peak_lr is not None
    highest = HIGHEST * job.options.peak_lr
    yield Stage("probe-rate", f"{STEPS} steps, the learning rate rises to {highest:.1e}")
    seen: list[tuple[float, float]] = []
    try:
        for event in approach.fit(_rising(job, highest)):
            if isinstance(event, Step):
                seen.append((event.learning_rate, sum(event.losses.values())))
            if isinstance(event, Step | Progress):
                yield event
    except TrainingError:  # it fell apart: the rates before that tell
        pass
    finally:
        files.remove(job.folder)
    return between(seen, highest)


def _rising(job: Job, highest: float) -> Job:
    per_epoch = max(1, round(len(job.train) / job.options.batch_size))
    values = {
        "train.epochs": (STEPS - 0.5) / per_epoch,
        "train.peak_lr": highest,
        "train.warmup": 0.9999,
        "train.patience": 0,
        "train.save_steps": STEPS * 10,
    }
    return replace(job, recipe=with_values(job.recipe, values, by="probe"), validation=(), resume=False)


def between(seen: Sequence[tuple[float, float]], highest: float) -> tuple[float, float]:
    """(low, high) from (rate, loss) of each step: high is where the smoothed loss is lowest, low a thirtieth of it."""
    high = highest / HIGHEST
    sound = [(rate, loss) for rate, loss in seen if np.isfinite(loss)]
    if len(sound) >= FEWEST:
        losses, mean = [], 0.0
        for step, (_, loss) in enumerate(sound, 1):
            mean = SMOOTH * mean + (1 - SMOOTH) * loss
            losses.append(mean / (1 - SMOOTH**step))
        high = sound[FEWEST - 1 :][int(np.argmin(losses[FEWEST - 1 :]))][0]
    return float(f"{high / SPAN:.{DIGITS}g}"), float(f"{high:.{DIGITS}g}")
