"""Brings one trial to the end of a rung and measures it there: the run pauses at its own checkpoint, and is resumed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from tunesmith import catalog, doors
from tunesmith.approaches import _reusing
from tunesmith.errors import Interrupted, TrainingError
from tunesmith.events import Event, Measured, Progress, Stage, Step
from tunesmith.lifecycle.climb import Climber
from tunesmith.lifecycle.trials import Journal, Look, Trial, scored
from tunesmith.parts import Approach, Job, Objective, Outcomes, Tuning
from tunesmith.recipe.sections import Recipe
from tunesmith.train import checkpoint
from tunesmith.train.engine import local

FEWEST = 2  # steps of a rung: how many there are is told with the second one


@dataclass(frozen=True)
class Runner:
    """What all trials share: rows, caches, the base, the journal.

    rungs: the share of its steps at which each ends.  stop: set by whoever wants all to end.
    """

    climber: Climber
    journal: Journal
    rungs: tuple[float, ...]
    stop: threading.Event

    def advance(self, trial: Trial, recipe: Recipe, rung: int) -> Iterator[Event]:
        """Train to the end of a rung, measure, tell the journal.  A trial whose training fails is out, and says why.

        Raises Interrupted R130 where `stop` is set; the trial's checkpoint is kept.
        """
        begun = time.monotonic()
        job = self.job(trial, recipe)
        yield Stage("trial", self._named(trial, rung))
        try:
            ended = yield from self._trained(trial, job, rung)
            looked = replace(job, stop=self.stop)  # the job's own is set where it paused
            names, outcomes = yield from (_fitted if whole(recipe) else _seen)(self.climber, looked, ended)
        except TrainingError as failure:
            self.journal.fail(trial, failure)
            return
        step = trial.steps if ended else target(trial.steps, self.rungs[rung])
        seconds = time.monotonic() - begun
        look = Look(rung, step, trial.steps, scored(outcomes, names), seconds, ended)
        self.journal.see(trial, look, outcomes)
        told = {name: score.to_json() for name, score in look.scores.items()}
        yield Measured(f"trial {trial.number}", "validation", told, step)

    def job(self, trial: Trial, recipe: Recipe) -> Job:
        """The job of a trial, which goes on where its checkpoint stands; its `stop` is its own."""
        task = catalog.make("task", recipe.task)
        prepared = replace(self.climber.prepared, task=task, recipe=recipe)
        climber = replace(self.climber, prepared=prepared)
        job = climber.job(recipe, trial.folder, climber.base(recipe))
        begun = (trial.folder / "checkpoints").is_dir()
        return replace(job, resume=begun, stop=threading.Event())

    def _named(self, trial: Trial, rung: int) -> str:
        values = ", ".join(f"{key}={value}" for key, value in trial.point.items())
        return f"{trial.number}, rung {rung + 1} of {len(self.rungs)}: {values}"

    def _trained(self, trial: Trial, job: Job, rung: int) -> Generator[Event, None, bool]:
        """Train to the end of the rung; whether nothing is left to train."""
        if trial.paused >= rung:  # killed while it was measured
            return False
        approach: Approach = catalog.make("approach", job.recipe.approach)
        try:
            for event in approach.fit(job):
                if isinstance(event, Progress) and event.stage == "train" and not trial.steps:
                    self.journal.steps(trial, int(event.total))
                if isinstance(event, Step | Progress):
                    self._watch(trial, job, rung, event)
                    yield event
        except Interrupted:
            self._require_wanted()
            self.journal.pause(trial, rung)
            return False
        self._require_wanted()
        return True

    def _watch(self, trial: Trial, job: Job, rung: int, event: Step | Progress) -> None:
        """Have the training pause where its rung ends, or all end."""
        done = event.step if isinstance(event, Step) else event.done
        end = target(trial.steps, self.rungs[rung])
        trains = isinstance(event, Step) or event.stage == "train"
        if self.stop.is_set() or (trains and trial.steps and end <= done < trial.steps):
            job.stop.set()

    def _require_wanted(self) -> None:
        """Raise Interrupted where the whole sweep is to end."""
        if self.stop.is_set():
            raise Interrupted(
                "R130",
                "the sweep was stopped",
                expected="resume to go on",
                where=str(self.climber.folder),
            )


def target(steps: int, share: float) -> int:
    """The step at which a rung ends, of a schedule of so many."""
    return min(steps, max(FEWEST, math.ceil(share * steps)))


def whole(recipe: Recipe) -> bool:
    """Whether a trial can't pause: it trains no network, or makes the base that it trains."""
    approach: Approach = catalog.make("approach", recipe.approach)
    return not (approach.trains and approach.based)


Told = Generator[Event, None, tuple[tuple[str, ...], Outcomes]]


def _fitted(climber: Climber, job: Job, ended: bool) -> Told:
    """(metrics, what the model says of the validation rows), where it answers at once."""
    yield from ()
    return job.task.metrics[:2], confirmed(climber, job)


def confirmed(climber: Climber, job: Job) -> Outcomes:
    """What the model that a fit left says of the validation rows, opened from its files as a server opens it."""
    from tunesmith.model import CODEC, read_codec

    codec = read_codec(job.model) if (job.model / CODEC).is_file() else job.codec
    approach: Approach = catalog.make("approach", job.recipe.approach)
    predictor = approach.open(job.model, job.task, codec, job.base, job.recipe)
    prepared = replace(climber.prepared, task=job.task, recipe=job.recipe)
    return replace(climber, prepared=prepared).predictions(predictor, codec, job.validation)


def _seen(climber: Climber, job: Job, ended: bool) -> Told:
    """(metrics, outcomes) by which the loop itself judges, of weights that are in training still or have ended it."""
    tuning: Tuning = catalog.make("tuning", job.recipe.tuning)
    objective: Objective = catalog.make("objective", job.recipe.objective)
    net = local.build(job, tuning)
    lesson = yield from objective.lesson(job, net)
    if ended:
        tuning.load(net, doors.open("safetensors.torch").load_file(job.model / "delta.safetensors"))
    taught = _reusing.reusing(job, net, lesson)
    engine = local.Local(job, net, tuning, taught, {}, job.options.dtype)
    yield from (event for event in _reusing.fill(job, taught) if isinstance(event, Progress))
    if not ended:
        engine.load(_paused(job).tensors)
    outputs, rows = engine.predict(job.validation), job.validation
    said = [lesson.decode(row, out, job.codec) for row, out in zip(rows, outputs, strict=True)]
    groups = [climber.prepared.groups.get(row.key, row.key) for row in rows]
    return lesson.early, lesson.outcomes(rows, said, groups)


def _paused(job: Job) -> checkpoint.Checkpoint:
    """Where the trial stands."""
    found, problems = checkpoint.newest(job.folder / "checkpoints")
    if found is None:
        raise TrainingError(
            "R702",
            f"the trial's checkpoint is gone: {'; '.join(problems) or 'there is none'}",
            expected="the checkpoint at which it paused",
            fixes=("begin the sweep anew, without --resume",),
            where=str(job.folder),
        )
    return found
