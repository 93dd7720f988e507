"""Climb the ladder inside a time budget: fit each rung, measure it on the same validation rows, choose."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunesmith import catalog, doors
from tunesmith.advise import ladder
from tunesmith.bases import Base, resolve
from tunesmith.errors import MissingError, NetworkError
from tunesmith.evaluate import measure
from tunesmith.events import Event, Measured, Note, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle import general, spending
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.model import CODEC, read_codec
from tunesmith.parts import (
    Answer,
    Approach,
    Codec,
    Job,
    NeuralTask,
    Outcomes,
    Prediction,
    Predictor,
)
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values

PROBE_SECONDS = 10.0  # with less time left, nothing that needs a probe would fit anyway
RESERVE = 0.12  # share of the budget that is kept for calibration, proof and report


@dataclass(frozen=True)
class Rung:
    """One measured (or skipped) recipe.

    predictor: fitted on the training rows.  curve: scores on the validation rows over the steps of training.
    seconds: to fit and to open it.  spent: what its answers to the validation rows took.
    """

    name: str
    recipe: Recipe
    job: Job | None = None
    predictor: Predictor | None = None
    predictions: Outcomes | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    skipped: str = ""
    curve: tuple[Mapping[str, float], ...] = ()
    spent: spending.Spent | None = None

    @property
    def approach(self) -> Approach:
        """The part that the recipe names."""
        return catalog.make("approach", self.recipe.approach)

    def to_dict(self) -> dict[str, Any]:
        """The rung as `--json` shows it."""
        return {
            "approach": self.recipe.approach.name,
            "detail": self.name,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "seconds": round(self.seconds, 3),
            "bytes": self.bytes,
            "answering": self.spent.to_json() if self.spent else None,
            "skipped": self.skipped or None,
        }


@dataclass(frozen=True)
class Climber:
    """What all rungs share: rows, folders, time.

    deadline: `time.monotonic()` seconds, or None.  tariff: what answers cost.
    """

    prepared: Prepared
    folder: Path
    cache: Path
    offline: bool = False
    deadline: float | None = None
    rehearse: bool = False
    resume: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    tariff: spending.Tariff = field(default_factory=spending.Tariff)

    def job(self, recipe: Recipe, folder: Path, base: Base | None) -> Job:
        """The job of a recipe on the training rows."""
        task, codec = self.prepared.task, self.codec(recipe, base)
        return Job(
            task,
            recipe,
            self.prepared.train,
            self.prepared.validation,
            codec,
            base,
            folder,
            self.cache,
            general=general.of_recipe(recipe, task, codec, base, self.cache, folder),
            seed=recipe.train.seed,
            deadline=self.deadline,
            resume=self.resume,
            stop=self.stop,
        )

    def base(self, recipe: Recipe) -> Base | None:
        """The base model of a recipe, where its approach starts from one here."""
        if self.rehearse or not _based(recipe):
            return None
        return resolve(recipe.base, offline=self.offline)

    def codec(self, recipe: Recipe, base: Base | None) -> Codec:
        """The codec of a recipe on these rows."""
        task, profile = self.prepared.task, self.prepared.profile
        if self.rehearse and _based(recipe) and isinstance(task, NeuralTask):
            return _with_room(task.tiny_codec(profile), recipe)
        return _with_room(task.codec(base, profile), recipe)

    def rows(self, records: Sequence[Record]) -> list[Record]:
        """Those of the rows on which models are compared, as the task reads them."""
        return self.prepared.task.measured([self.prepared.objective.shown(record) for record in records])

    def predictions(self, predictor: Predictor, codec: Codec, records: Sequence[Record]) -> Outcomes:
        """What a predictor says of those of the rows on which models are compared."""
        rows = self.rows(records)
        return outcomes(self.prepared, predict(self.prepared, predictor, codec, rows), rows)


def _with_room(codec: Codec, recipe: Recipe) -> Codec:
    """The codec with a window that leaves room for what the tuning puts before every row."""
    window = codec.settings.get("window", 0)
    if not window or not catalog.part("approach", recipe.approach.name).trains:
        return codec
    room = catalog.make("tuning", recipe.tuning).room
    return replace(codec, settings={**codec.settings, "window": max(1, window - room)})


def _based(recipe: Recipe) -> bool:
    """Whether the recipe needs its base: not where a server answers in its place."""
    approach: Approach = catalog.make("approach", recipe.approach)
    return approach.based and not approach.remote


def predict(
    prepared: Prepared, predictor: Predictor, codec: Codec, records: Sequence[Record]
) -> list[Prediction | Answer]:
    """Decoded predictions of rows."""
    outputs = predictor.outputs(records)
    return [prepared.task.decode(record, out, codec) for record, out in zip(records, outputs, strict=True)]


def outcomes(prepared: Prepared, made: Sequence[Prediction | Answer], records: Sequence[Record]) -> Outcomes:
    """Predictions with truths and groups."""
    groups = [prepared.groups.get(record.key, record.key) for record in records]
    return prepared.task.outcomes(records, made, groups)


def climb(climber: Climber, recipe: Recipe) -> Generator[Event, None, list[Rung]]:
    """Every rung of the ladder that fits the time, simplest first."""
    rungs = []
    for number, (name, rung) in enumerate(
        ladder.ladder(recipe, climber.prepared.task, climber.prepared.profile)
    ):
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
    if approach.library and not approach.remote and not doors.has(approach.library):
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
    quick = not approach.library or approach.remote  # these take seconds, and one is always served
    if job.deadline is None or quick:
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
    if (job.model / CODEC).is_file():  # what was learnt brings its own tokens
        job = replace(job, codec=read_codec(job.model))
    codec, predictor = job.codec, approach.open(job.model, job.task, job.codec, job.base, job.recipe)
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
    rows = climber.rows(job.validation)
    said, spent = spending.measured(
        predictor, lambda: predict(climber.prepared, predictor, codec, rows), climber.tariff, rung.bytes
    )
    found = outcomes(climber.prepared, said, rows)
    scores = measure.measure(found, [*job.task.metrics[:2]])
    yield Measured(name, "validation", {key: score.to_json() for key, score in scores.items()})
    return replace(rung, predictions=found, scores=scores, spent=spent)
