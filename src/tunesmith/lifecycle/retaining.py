"""Forgetting, measured by default: what the base could do and the tuned model still can, on the same rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.approaches._tuned import Networked
from tunesmith.evaluate import measure, retention
from tunesmith.evaluate.intervals import Score, interval
from tunesmith.events import Event, Note, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle import general
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.datasets import opened
from tunesmith.parts import Answer, Answers, Codec, Lesson, Likelihood, Net, Outcomes, Output
from tunesmith.tasks._language import LanguageTask
from tunesmith.train.engine import local

NOTHING: Mapping[str, Any] = {}


def measured(
    climber: Climber, base: Rung | None, chosen: Rung, answered: Mapping[str, Outcomes]
) -> Generator[Event, None, Mapping[str, Any]]:
    """The report's section on forgetting.  Where it can't be measured, the section says why and holds no abilities;
    where no weights were moved there is none.

    answered: what base and chosen model answer to the test rows, by rung name and 'chosen'.
    """
    reason = _unmeasured(base, chosen)
    if reason or base is None or base.job is None:
        yield Note(f"forgetting is not measured: {reason}")
        return _unknown(reason) if chosen.approach.trains else NOTHING
    before, after = base.predictor, chosen.predictor
    assert isinstance(before, Networked) and isinstance(after, Networked)
    yield Stage("forgetting", "what the base knew")
    # the tuned model's window, which may be the smaller one
    codec, recipe = (chosen.job or base.job).codec, chosen.recipe
    found = [_general(climber, base, before, after, codec)]
    for name, path in recipe.general.abilities.items():
        found.append((yield from _ability(climber, name, path, before, after, codec)))
    far = _divergence(climber, before, after, codec, answered[base.name])
    return {
        "abilities": [each.to_json() for each in found],
        "kl_to_base": far.to_json(),
        "sentence": retention.summary(found),
        "source": recipe.general.source or "texts that the base wrote",
    }


def _unknown(reason: str) -> Mapping[str, Any]:
    return {"abilities": [], "kl_to_base": None, "sentence": f"Not measured: {reason}.", "source": ""}


def _unmeasured(base: Rung | None, chosen: Rung) -> str:
    if not chosen.approach.trains:
        return "no weights were moved"
    if base is None:
        return "there is no base to compare with"
    if base.approach.remote:
        return "the base is asked at a server, which tells no likelihoods of given texts (without --endpoint it is)"
    if not (isinstance(base.predictor, Networked) and isinstance(chosen.predictor, Networked)):
        return "base and model do not both write texts on this machine"
    if base.job and chosen.job and base.job.codec.files != chosen.job.codec.files:
        return "the model cuts texts into other tokens than the base"
    return ""


def _general(
    climber: Climber, base: Rung, before: Networked, after: Networked, codec: Codec
) -> retention.Ability:
    """The loss on text that is no part of the data."""
    assert base.job is not None
    section, own = base.job.recipe.general, base.job.codec
    if section.source:
        rows = general.given(section, climber.cache.parent, rehearse=False)
    else:
        key = base.job.base.digest if base.job.base else "tiny"
        rows = general.written(lambda: before, own, key, section.rows, climber.cache, general.MEASURE)
    lesson: Lesson = catalog.part("task", "language-model")()
    asked = (local.predict(each.net, lesson, codec, rows) for each in (before, after))
    pair = [_said(lesson, codec, rows, outputs) for outputs in asked]
    return retention.ability("general text", "loss", measure.metric("loss"), *pair)


def _said(lesson: Lesson, codec: Codec, rows: list[Record], outputs: Sequence[Sequence[Output]]) -> Outcomes:
    decoded = [lesson.decode(row, out, codec) for row, out in zip(rows, outputs, strict=True)]
    return lesson.outcomes(rows, decoded, [row.key for row in rows])


def _ability(
    climber: Climber, name: str, path: str, before: Networked, after: Networked, codec: Codec
) -> Generator[Event, None, retention.Ability]:
    """The task's main score on a file of rows that the user calls an ability."""
    task = climber.prepared.task
    yield Stage("ability", f"{name}: {Path(path).name}")
    table = yield from opened(path, climber.cache.parent, content=task.content)
    rows = task.measured(list(table.records))
    assert isinstance(task, LanguageTask)
    pair = [_said(task, codec, rows, each.outputs(rows)) for each in (before, after)]
    metric = task.metrics[0]
    return retention.ability(name, metric, measure.metric(metric), *pair)


def _divergence(
    climber: Climber, before: Networked, after: Networked, codec: Codec, answered: Outcomes
) -> Score:
    """KL(base ‖ tuned) in nats per token of the base's own answers to the test rows."""
    task, prepared = climber.prepared.task, climber.prepared
    assert isinstance(answered, Answers) and isinstance(task, LanguageTask)
    rows = task.measured([prepared.objective.shown(row) for row in prepared.test])
    own = [task.answered(row, said.text) for row, said in zip(rows, answered.answers, strict=True)]
    told = [Answer("", likelihood=_apart(before.net, after.net, task, codec, row)) for row in own]
    return interval(replace(answered, answers=tuple(told), _known={}), measure.metric("loss"))


def _apart(before: Net, after: Net, task: LanguageTask, codec: Codec, row: Record) -> Likelihood:
    """Σ KL over the supervised tokens of a row, and how many they are."""
    from tunesmith.nn import divergences, readout

    shape, words = readout.of(before.backbone), before.backbone.config.vocab_size
    whole = Likelihood(0.0, 0.0, 0.0)
    for example in task.encode(row, codec, None):
        tensors = task.collate([example], codec).tensors
        with local.inference(before), local.inference(after):
            known, _, weights = divergences.supervised(before, tensors)
            states, _, _ = divergences.supervised(after, tensors)
            pair = divergences.logits_of(before, shape), divergences.logits_of(after, shape)
            far = float(divergences.kl_sum(pair[0], known, pair[1], states, weights, words))
        whole = whole.plus(Likelihood(far, float(weights.sum()), 0.0))
    return whole
