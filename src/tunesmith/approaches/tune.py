"""Fine-tunes a pretrained network: the tuning says which weights move, the objective what is minimised."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tunesmith import catalog, doors, machine
from tunesmith.approaches import _recomputing, _reusing
from tunesmith.approaches._filling import spoken
from tunesmith.approaches._tuned import tuned
from tunesmith.bases import Base
from tunesmith.data.checking import last
from tunesmith.events import Event, Progress, Step
from tunesmith.inputs import heads
from tunesmith.parts import (
    Approach,
    Batch,
    Codec,
    Demand,
    Draw,
    Job,
    Lesson,
    Metric,
    NeuralTask,
    Objective,
    Output,
    Predictor,
    Regularizer,
    Task,
    Tuning,
)
from tunesmith.recipe.sections import Recipe, Train
from tunesmith.store import files
from tunesmith.train import frozen, loop, tokens
from tunesmith.train.engine import kernels, local

START_SECONDS, ROWS_PER_SECOND = 8.0, 150.0  # to load and to train, two cores, minilm, short texts
PROBE_STEPS = 4
FEWEST_EPOCHS = 2  # with fewer the schedule ends before the new head has settled


class Tune(Approach):
    """Runs the training loop and leaves what differs from the base."""

    refits: ClassVar = False
    based: ClassVar = True
    library: ClassVar = "torch"
    trains: ClassVar = True
    head: Literal["probe", "random"] = Field(
        "probe",
        description="where the head begins: a linear layer fitted on the frozen network, or small random",
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {**probed(recipe.train), "train.peak_lr": recipe.train.peak_lr or _usual_rate(recipe)}

    def seconds(self, job: Job, *, probe: bool) -> float:
        if not probe:
            return START_SECONDS + len(job.train) * job.options.epochs / ROWS_PER_SECOND
        engine, course, _ = last(_prepare(job))
        took = []
        for _, parts in islice(course.feed(0), PROBE_STEPS):
            start = time.perf_counter()
            for index, batch in enumerate(parts):
                engine.forward_backward(batch, engine.total(parts), 0, index)
            engine.optim_step(0.0)
            took.append(time.perf_counter() - start)
        # the first step warms caches up; a predicted validation row costs about a third of a trained one
        epochs = job.options.epochs
        predicting = len(job.validation) * epochs * job.options.evaluations / 3 / job.options.batch_size
        return float(np.median(took[1:] or took)) * (course.steps + predicting) * 1.1

    def shorter(self, recipe: Recipe, share: float) -> dict[str, Any] | None:
        epochs = int(recipe.train.epochs * share)
        return {"train.epochs": epochs} if epochs >= FEWEST_EPOCHS else None

    def fit(self, job: Job) -> Iterator[Event]:
        known = yield from _surveyed(job)
        start = (yield from frozen.fit_head(job, frozen.STRENGTH)) if self._probes(job) else None
        engine, course, judge = yield from _prepare(job, start, known)
        yield from _timed(loop.run(job, engine, course, judge, _peak_lr(job)), course.steps)
        save_file = doors.open("safetensors.torch").save_file
        delta = {name: tensor.contiguous() for name, tensor in engine.delta().items()}
        files.write_with(job.model / "delta.safetensors", lambda path: save_file(delta, path))

    def _probes(self, job: Job) -> bool:
        """A random head's first gradients distort what the network knows; a fitted one's don't (Kumar et al. 2022)."""
        return self.head == "probe" and job.task.classifies and bool(job.train)

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        return spoken(tuned(folder, task, codec, base, recipe), task, codec)


def probed(options: Train) -> dict[str, Any]:
    """What `[train]` leaves open of where and in which numbers a network computes, probed on this machine."""
    device = machine.device(options.device)
    products = machine.fastest_products(device) if options.products == "auto" else options.products
    machine.set_products(products)  # the number types are compared as they will be multiplied
    return {
        "train.device": device,
        "train.products": products,
        "train.kernels": kernels.usual(options, device),
        "train.threads": options.threads or machine.usual_threads(),
        "train.dtype": machine.fastest_dtype(device) if options.dtype == "auto" else options.dtype,
    }


def _surveyed(job: Job) -> Generator[Event, None, tokens.Remembered]:
    """What the task says of its rows before the first step; the task, remembering what it made of them."""
    objective: Objective = catalog.make("objective", job.recipe.objective)
    task, draw = job.task, Draw(job.seed, 0)
    assert isinstance(task, NeuralTask)
    # rows that only look like the task's are made into other examples by their own lesson
    if not job.train or objective.content:
        known = tokens.Remembered(task, job.codec)
    else:
        known = yield from tokens.remembered(job, task)
    if job.train:
        rows = (known.encode(objective.shown(record), job.codec, draw) for record in job.train)
        yield from task.survey(rows, job.codec)
    return known


Prepared = tuple[local.Local, loop.Course, loop.Judge]


def _prepare(
    job: Job, start: heads.Head | None = None, known: tokens.Remembered | None = None
) -> Generator[Event, None, Prepared]:
    """Engine, steps and judge of a run, while the network is as the run begins.  known: the task with its examples."""
    tuning: Tuning = catalog.make("tuning", job.recipe.tuning)
    objective: Objective = catalog.make("objective", job.recipe.objective)
    regularizer: Regularizer = catalog.make("regularizer", job.recipe.regularizer)
    net = local.build(job, tuning)
    if start is not None:
        from tunesmith.nn import encoder

        encoder.set_head(net, *map(doors.open("torch").from_numpy, (start.weights, start.bias)))
    demand = yield from regularizer.demand(job, net, tuning)
    if job.options.dtype == "int8":  # before references are computed, so that these are of the same numbers
        local.narrow(net)
    lesson = yield from objective.lesson(job, net)
    demands = {job.recipe.regularizer.name: demand}
    if known is None or known.lesson is not lesson:
        known = yield from tokens.remembered(job, lesson)
    yield from _recomputing.enabled(job, net, known)
    if job.options.compile == "on":
        local.compiled(net)
    taught = _reusing.reusing(job, net, known)
    pace = getattr(net, "pace", 1.0) if start is None else 1.0
    engine = local.Local(job, net, tuning, taught, demands, job.options.dtype, pace)
    yield from _reusing.fill(job, taught)
    return engine, _course(job, objective, taught, demand), _judge(job, lesson)


def _course(job: Job, objective: Objective, lesson: Lesson, demand: Demand) -> loop.Course:
    def feed(step: int) -> Iterator[tuple[float, list[Batch]]]:
        for number, (epoch, parts) in enumerate(objective.feed(job, lesson, step), step):
            yield epoch, [*parts, *demand.batches(number)]

    return loop.Course(objective.steps(job, lesson), feed)


def _peak_lr(job: Job) -> float:
    return job.options.peak_lr or _usual_rate(job.recipe)


def _usual_rate(recipe: Recipe) -> float:
    """The tuning's learning rate, at the share that suits the objective."""
    tuning: type[Tuning] = catalog.part("tuning", recipe.tuning.name)
    objective: type[Objective] = catalog.part("objective", recipe.objective.name)
    return tuning.peak_lr * objective.rate


def _timed(events: Iterator[Event], steps: int) -> Iterator[Event]:
    """The events; each step but the first, which starts the clock, is followed by how far that is."""
    first, begun = 0, 0.0
    for event in events:
        yield event
        if not isinstance(event, Step):
            continue
        if first:
            pace = (time.monotonic() - begun) / (event.step - first)
            yield Progress("train", event.step, steps, pace * event.step)
        else:
            first, begun = event.step, time.monotonic()


def _judge(job: Job, lesson: Lesson) -> loop.Judge:
    """Scores of the validation rows: the lesson's first early metric leads, the second breaks ties."""
    keys = [record.key for record in job.validation]
    metrics: list[Metric] = [catalog.part("metric", name)() for name in lesson.early]

    def judge(outputs: Sequence[Sequence[Output]]) -> Mapping[str, float]:
        pairs = zip(job.validation, outputs, strict=True)
        found = lesson.outcomes(job.validation, [lesson.decode(r, out, job.codec) for r, out in pairs], keys)
        values = [metric.value(found, np.ones(len(keys))) for metric in metrics]
        lead, tie = (metric.better * value for metric, value in zip(metrics[:2], values[:2], strict=True))
        return {"score": lead + 1e-6 * tie, **dict(zip(lesson.early, values, strict=True))}

    return judge
