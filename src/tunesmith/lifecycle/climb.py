"""Climb the ladder inside a time budget: fit each rung, measure it on the same validation rows, choose."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog, doors
from tunesmith.advise import ladder
from tunesmith.bases import Base, resolve
from tunesmith.errors import MissingError, NetworkError
from tunesmith.evaluate import compare, measure, verdict
from tunesmith.evaluate.predictions import gather
from tunesmith.events import Event, Measured, Note, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.parts import Approach, Codec, Job, NeuralTask, Prediction, Predictions, Predictor
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values

PROBE_SECONDS = 10.0  # with less time left, nothing that needs a probe would fit anyway
RESERVE = 0.12  # share of the budget that is kept for calibration, proof and report


@dataclass(frozen=True)
class Rung:
    """One measured (or skipped) recipe.

    predictor: fitted on the training rows.  curve: scores on the validation rows over the steps of training.
    """

    name: str
    recipe: Recipe
    job: Job | None = None
    predictor: Predictor | None = None
    predictions: Predictions | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    skipped: str = ""
    curve: tuple[Mapping[str, float], ...] = ()

    @property
    def approach(self) -> Approach:
        """The part that the recipe names."""
        return catalog.make("approach", self.recipe.approach)

    def to_dict(self) -> dict[str, Any]:
        """The rung as `--json` shows it."""
        wanted = ("macro_f1", "accuracy")
        return {
            "approach": self.recipe.approach.name,
            "detail": self.name,
            "scores": {name: self.scores[name].to_json() for name in wanted if name in self.scores},
            "seconds": round(self.seconds, 3),
            "bytes": self.bytes,
            "skipped": self.skipped or None,
        }


@dataclass(frozen=True)
class Climber:
    """What all rungs share: rows, folders, time.  deadline: `time.monotonic()` seconds, or None."""

    prepared: Prepared
    folder: Path
    cache: Path
    offline: bool = False
    deadline: float | None = None
    rehearse: bool = False
    resume: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def job(self, recipe: Recipe, folder: Path, base: Base | None) -> Job:
        """The job of a recipe on the training rows."""
        return Job(
            self.prepared.task,
            recipe,
            self.prepared.train,
            self.prepared.validation,
            self.codec(recipe, base),
            base,
            folder,
            self.cache,
            seed=recipe.train.seed,
            deadline=self.deadline,
            resume=self.resume,
            stop=self.stop,
        )

    def base(self, recipe: Recipe) -> Base | None:
        """The base model of a recipe, where its approach starts from one."""
        based = catalog.part("approach", recipe.approach.name).based
        return resolve(recipe.base, offline=self.offline) if based and not self.rehearse else None

    def codec(self, recipe: Recipe, base: Base | None) -> Codec:
        """The codec of a recipe on these rows."""
        task, profile = self.prepared.task, self.prepared.profile
        based = catalog.part("approach", recipe.approach.name).based
        if self.rehearse and based and isinstance(task, NeuralTask):
            return task.tiny_codec(profile)
        return task.codec(base, profile)

    def predictions(self, predictor: Predictor, codec: Codec, records: Sequence[Record]) -> Predictions:
        """What a predictor says of rows, as arrays."""
        return arrays(self.prepared, predict(self.prepared, predictor, codec, records), records)


def predict(
    prepared: Prepared, predictor: Predictor, codec: Codec, records: Sequence[Record]
) -> list[Prediction]:
    """Decoded predictions of rows."""
    outputs = predictor.outputs(records)
    return [prepared.task.decode(record, out, codec) for record, out in zip(records, outputs, strict=True)]


def arrays(prepared: Prepared, made: Sequence[Prediction], records: Sequence[Record]) -> Predictions:
    """Predictions with truths and groups, as arrays."""
    keys = [record.key for record in records]
    truths = [prepared.task.target(record) for record in records]
    return gather(made, truths, keys, [prepared.groups.get(key, key) for key in keys])


def climb(climber: Climber, recipe: Recipe) -> Generator[Event, None, list[Rung]]:
    """Every rung of the ladder that fits the time, simplest first."""
    rungs = []
    for number, (name, rung) in enumerate(ladder.ladder(recipe, climber.prepared.profile)):
        yield Stage("rung", name)
        rungs.append((yield from _rung(climber, number, name, rung)))
    return rungs


def _rung(climber: Climber, number: int, name: str, recipe: Recipe) -> Generator[Event, None, Rung]:
    approach: Approach = catalog.make("approach", recipe.approach)
    if reason := _impossible(climber, approach, recipe):
        yield Note(f"skipped {name}: {reason}")
        return Rung(name, recipe, skipped=reason)
    start = time.monotonic()
    recipe = with_values(recipe, approach.resolve(recipe), by="probe")
    job = climber.job(recipe, climber.folder / "rungs" / f"{number}", climber.base(recipe))
    fitting, reason = _fitting(job, approach)
    if reason:
        yield Note(f"skipped {name}: {reason}")
        return Rung(name, recipe, skipped=reason)
    if fitting != recipe:
        yield Note(
            f"{name}: {fitting.train.epochs:g} epochs instead of {recipe.train.epochs:g}, to fit the budget"
        )
        job = replace(job, recipe=fitting)
    return (yield from fit(climber, name, job, start))


def _impossible(climber: Climber, approach: Approach, recipe: Recipe) -> str:
    if not approach.serves(climber.prepared.task):
        return f"{recipe.approach.name} does not serve {recipe.task.name}"
    if approach.library and not doors.has(approach.library):
        extra = doors.EXTRAS[approach.library]
        return f'needs {approach.library}: pip install "tunesmith[{extra}]"'
    if recipe.decided.get("base") != "you":
        try:
            climber.base(recipe)
        except (MissingError, NetworkError) as lacking:
            return f"{lacking.found}: {lacking.fixes[0] if lacking.fixes else lacking.expected}"
    return ""


def _fitting(job: Job, approach: Approach) -> tuple[Recipe, str]:
    """The recipe, shortened if it must be to fit the time left, or the reason why it can't be."""
    if (
        job.deadline is None or not approach.library
    ):  # rungs of the core take seconds, and one is always served
        return job.recipe, ""
    left = job.deadline - time.monotonic()
    needed = approach.seconds(job, probe=left > PROBE_SECONDS)
    left = job.deadline - time.monotonic()
    if needed <= left:
        return job.recipe, ""
    values = approach.shorter(job.recipe, max(0.0, left) / needed)
    if values is None:
        return (
            job.recipe,
            f"needs about {needed:,.0f} s, {max(0.0, left):,.0f} s of the budget are left (--budget)",
        )
    return with_values(job.recipe, values, by="advice"), ""


def fit(climber: Climber, name: str, job: Job, start: float) -> Generator[Event, None, Rung]:
    """Fit a job and measure it on the validation rows."""
    curve: list[Mapping[str, float]] = []
    approach: Approach = catalog.make("approach", job.recipe.approach)
    for event in approach.fit(job):
        if isinstance(event, Measured):
            curve.append({"step": event.step, **event.scores})
        yield event
    predictor = approach.open(job.model, job.task, job.codec, job.base, job.recipe)
    rung = Rung(
        name,
        job.recipe,
        job,
        predictor,
        seconds=time.monotonic() - start,
        bytes=sum(path.stat().st_size for path in job.model.rglob("*") if path.is_file()),
        curve=tuple(curve),
    )
    if not job.validation:
        return rung
    found = climber.predictions(predictor, job.codec, job.validation)
    scores = measure.measure(found, [*job.task.metrics[:2]])
    yield Measured(name, "validation", {key: score.to_json() for key, score in scores.items()})
    return replace(rung, predictions=found, scores=scores)


def choose(rungs: Sequence[Rung], prepared: Prepared, prefer: str) -> tuple[Rung, str]:
    """(rung, why).  'simple': the simplest that is not measurably worse than the best; 'best': the best.

    Where that one does not beat guessing on the validation rows, or is a constant, the floor rung is served.
    """
    metric = measure.metric(prepared.task.metrics[0])
    measured = [rung for rung in rungs if rung.predictions is not None]
    candidates = [(rung.name, rung.predictions) for rung in measured if rung.predictions is not None]
    values = [rung.scores[prepared.task.metrics[0]].value for rung in measured]
    best = int(np.argmax(np.nan_to_num(values, nan=-1.0)))
    index = best if prefer == "best" else compare.simplest_not_worse(candidates, metric)
    chosen, why = measured[index], _why(measured[index], measured[best], prefer)
    floor = next((rung for rung in measured if rung.recipe.approach.name == ladder.FLOOR), chosen)
    if chosen.predictions is None or chosen is floor:
        return chosen, why
    counts = prepared.profile.labels
    guessing = verdict.verdict(chosen.predictions, counts, {}, metric, name=prepared.task.metrics[0])
    if chosen.recipe.approach.name == "majority" or guessing.outcome != "better":
        return floor, f"no rung measurably beats guessing on the validation rows, so {floor.name} is served"
    return chosen, why


def _why(chosen: Rung, best: Rung, prefer: str) -> str:
    if prefer == "best" or chosen is best:
        return f"{chosen.name} scores best on the validation rows"
    return f"{chosen.name} is the simplest rung that is not measurably worse than {best.name}"
