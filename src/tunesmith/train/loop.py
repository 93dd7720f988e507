"""The one training loop: a generator of events over an engine of a few primitives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import Interrupted, TrainingError
from tunesmith.events import Event, Measured, Note, Saved, Step
from tunesmith.parts import Batch, Job, Output
from tunesmith.train import checkpoint, schedule
from tunesmith.train.checkpoint import Checkpoint

MAX_REFUSED = 3  # steps in a row whose gradient is not finite before training stops

# (outputs of the validation rows) → scores; "score" is what is to be maximised
Judge = Callable[[Sequence[Sequence[Output]]], Mapping[str, float]]


@dataclass(frozen=True)
class Course:
    """The optimiser steps of a run.  feed: step → (epoch after it, micro-batches) of it and all that follow."""

    steps: int
    feed: Callable[[int], Iterator[tuple[float, list[Batch]]]]


@dataclass
class State:
    """All that the loop remembers besides tensors; saved as JSON in each checkpoint."""

    step: int = 0
    rows: int = 0
    best: float = -math.inf
    best_step: int = 0
    since_best: int = 0
    refused: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


def run(job: Job, engine: Any, course: Course, judge: Judge, peak_lr: float) -> Iterator[Event]:
    """Train; leave the best weights (or, without validation rows, the last) in the engine.

    Resumed, it goes on from the newest whole checkpoint and ends with the bits of an uninterrupted run.
    """
    folder, steps = job.folder / "checkpoints", course.steps
    state = State()
    if job.resume:
        yield from _resume(folder, engine, state)
    every = max(1, round(_per_epoch(job, steps) / job.options.evaluations))
    for epoch, parts in course.feed(state.step):
        if _ended_early(job, state):
            break
        rate = schedule.learning_rate(state.step, steps, peak_lr, _warm(job))
        yield _step(engine, parts, state, epoch, rate, state.step / steps)
        if job.validation and (state.step % every == 0 or state.step == steps):
            yield from _evaluate(job, engine, judge, state, folder)
        if state.step % job.options.save_steps == 0 or state.step == steps or job.stop.is_set():
            yield _save(folder, engine, state)
        if job.stop.is_set():
            raise Interrupted(
                "R130",
                f"stopped at step {state.step} of {steps}",
                expected="resume to go on",
                where=str(job.folder),
            )
    yield from _finish(folder, engine, state)


def _per_epoch(job: Job, steps: int) -> float:
    return steps / job.options.epochs


def _warm(job: Job) -> float:
    return job.options.warmup


def _ended_early(job: Job, state: State) -> bool:
    return bool(job.options.patience) and state.since_best >= job.options.patience


def _step(engine: Any, parts: Sequence[Batch], state: State, epoch: float, rate: float, share: float) -> Step:
    counts = engine.total(parts)
    losses = dict.fromkeys(counts, 0.0)
    for index, batch in enumerate(parts):
        for term, value in engine.forward_backward(batch, counts, state.step, index).items():
            losses[term] += value
    norm = engine.optim_step(rate, share)
    rows = [row for batch in parts for row in batch.rows]
    state.step, state.rows = state.step + 1, state.rows + len(rows)
    state.refused = 0 if math.isfinite(norm) else state.refused + 1
    if state.refused >= MAX_REFUSED:
        raise TrainingError(
            "R701",
            f"{MAX_REFUSED} steps in a row had a gradient that is not finite; the last was step {state.step}",
            expected="finite losses; the weights were not touched by these steps",
            fixes=(f"--set train.peak_lr={rate / 4:.1e}", "--set train.dtype=float32"),
            where="rows " + ", ".join(row[:12] for row in rows[:8]),
        )
    return Step(state.step, epoch, losses, rate, norm, state.rows)


def _evaluate(job: Job, engine: Any, judge: Judge, state: State, folder: Path) -> Iterator[Event]:
    scores = dict(judge(engine.predict(job.validation)))
    state.history.append({"step": state.step, **scores})
    if scores["score"] > state.best:
        state.best, state.best_step, state.since_best = scores["score"], state.step, 0
        checkpoint.save(folder, checkpoint.BEST, Checkpoint(engine.weights(), {"step": state.step}))
    else:
        state.since_best += 1
    yield Measured("validation", "validation", scores, state.step)


def _save(folder: Path, engine: Any, state: State) -> Saved:
    name = checkpoint.step_name(state.step)
    digest = checkpoint.save(folder, name, Checkpoint(engine.tensors(), _plain(state)))
    return Saved("checkpoint", str(folder / name), digest, state.step)


def _plain(state: State) -> dict[str, Any]:
    return {**asdict(state), "best": state.best if math.isfinite(state.best) else None}


def _resume(folder: Path, engine: Any, state: State) -> Iterator[Event]:
    found, problems = checkpoint.newest(folder)
    for problem in problems:
        yield Note(f"a damaged checkpoint was passed over: {problem}", "warning")
    if found is None:
        yield Note("resumed at step 0: there is no whole checkpoint")
        return
    engine.load(found.tensors)
    for name, value in found.state.items():
        setattr(state, name, -math.inf if name == "best" and value is None else value)
    yield Note(f"resumed at step {state.step}")


def _finish(folder: Path, engine: Any, state: State) -> Iterator[Event]:
    if not state.best_step:
        return
    best = checkpoint.recover_best(folder)
    if best is not None and state.best_step != state.step:
        engine.load(best.tensors)
        yield Note(f"kept the weights of step {state.best_step}, the best on validation")
