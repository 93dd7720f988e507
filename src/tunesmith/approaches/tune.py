"""Fine-tunes a pretrained network: the tuning says which weights move, the objective what is minimised."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tunesmith import catalog, doors, machine
from tunesmith.bases import Base
from tunesmith.errors import IntegrityError
from tunesmith.evaluate.predictions import gather
from tunesmith.events import Event, Progress, Step
from tunesmith.fields import Record
from tunesmith.inputs import heads
from tunesmith.parts import Approach, Codec, Job, NeuralTask, Objective, Output, Predictor, Task, Tuning
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files
from tunesmith.train import frozen, loop
from tunesmith.train.engine import local

START_SECONDS, ROWS_PER_SECOND = 8.0, 150.0  # to load and to train, two cores, minilm, short texts
PROBE_STEPS = 4
FEWEST_EPOCHS = 2  # with fewer the schedule ends before the new head has settled


class Tune(Approach):
    """Runs the training loop and leaves what differs from the base."""

    refits: ClassVar = False
    based: ClassVar = True
    library: ClassVar = "torch"
    head: Literal["probe", "random"] = Field(
        "probe",
        description="where the head begins: a linear layer fitted on the frozen network, or small random",
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        options = recipe.train
        tuning: type[Tuning] = catalog.part("tuning", recipe.tuning.name)
        return {
            "train.threads": options.threads or machine.usual_threads(),
            "train.dtype": machine.fastest_dtype() if options.dtype == "auto" else options.dtype,
            "train.peak_lr": options.peak_lr or tuning.peak_lr,
        }

    def seconds(self, job: Job, *, probe: bool) -> float:
        if not probe:
            return START_SECONDS + len(job.train) * job.options.epochs / ROWS_PER_SECOND
        engine, objective, _ = _prepare(job)
        took = []
        for _, parts in islice(objective.feed(job, 0), PROBE_STEPS):
            start = time.perf_counter()
            for index, batch in enumerate(parts):
                engine.forward_backward(batch, engine.total(parts), 0, index)
            engine.optim_step(0.0)
            took.append(time.perf_counter() - start)
        # the first step warms caches up; a predicted validation row costs about a third of a trained one
        epochs = job.options.epochs
        predicting = len(job.validation) * epochs * job.options.evaluations / 3 / job.options.batch_size
        return float(np.median(took[1:] or took)) * (objective.steps(job) + predicting) * 1.1

    def shorter(self, recipe: Recipe, share: float) -> dict[str, Any] | None:
        epochs = int(recipe.train.epochs * share)
        return {"train.epochs": epochs} if epochs >= FEWEST_EPOCHS else None

    def fit(self, job: Job) -> Iterator[Event]:
        start = (yield from frozen.fit_head(job, frozen.STRENGTH)) if self._probes(job) else None
        engine, objective, tuning = _prepare(job, start)
        peak_lr = job.options.peak_lr or tuning.peak_lr
        yield from _timed(loop.run(job, engine, objective, _judge(job), peak_lr), objective.steps(job))
        save_file = doors.open("safetensors.torch").save_file
        delta = {name: tensor.contiguous() for name, tensor in engine.delta().items()}
        files.write_with(job.model / "delta.safetensors", lambda path: save_file(delta, path))

    def _probes(self, job: Job) -> bool:
        """A random head's first gradients distort what the network knows; a fitted one's don't (Kumar et al. 2022)."""
        return self.head == "probe" and job.task.predicts == "label" and bool(job.train)

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        return _Tuned(folder, task, codec, base, recipe)


def _prepare(job: Job, start: heads.Head | None = None) -> tuple[local.Local, Objective, Tuning]:
    tuning: Tuning = catalog.make("tuning", job.recipe.tuning)
    objective: Objective = catalog.make("objective", job.recipe.objective)
    net = local.build(job, tuning)
    if start is not None:
        from tunesmith.nn import encoder

        encoder.set_head(net, *map(doors.open("torch").from_numpy, (start.weights, start.bias)))
    return local.Local(job, net, tuning, objective, job.options.dtype), objective, tuning


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


def _judge(job: Job) -> loop.Judge:
    """Scores of the validation rows: the task's main metric leads, the mean log loss breaks ties."""
    truths = [job.task.target(record) for record in job.validation]
    keys = [record.key for record in job.validation]
    metric = catalog.part("metric", job.task.metrics[0])()
    log_loss = catalog.part("metric", "log-loss")()

    def judge(outputs: Sequence[Sequence[Output]]) -> Mapping[str, float]:
        decoded = [job.task.decode(r, out, job.codec) for r, out in zip(job.validation, outputs, strict=True)]
        predictions, ones = gather(decoded, truths, keys, keys), np.ones(len(keys))
        main, loss = metric.value(predictions, ones), log_loss.value(predictions, ones)
        return {"score": metric.better * main - 1e-6 * loss, job.task.metrics[0]: main, "loss": loss}

    return judge


class _Tuned(Predictor):
    def __init__(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> None:
        job = _opening(folder, task, codec, base, recipe)
        self._task, self._codec = task, codec
        tuning: Tuning = catalog.make("tuning", recipe.tuning)
        self._net = local.build(job, tuning)
        try:
            tuning.load(self._net, doors.open("safetensors.torch").load_file(folder / "delta.safetensors"))
        except ValueError as misfit:
            raise IntegrityError(
                "I304", str(misfit), expected="the delta of this recipe and base", where=str(folder)
            ) from None

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return local.predict(self._net, self._task, self._codec, records)


def _opening(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Any:
    return Job(task, recipe, (), (), codec, base, folder, folder, seed=recipe.train.seed)
