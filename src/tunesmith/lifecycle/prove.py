"""Calibrate the chosen rung, refit it, and prove it on the test rows, which are touched here and only here."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tunesmith.evaluate import calibration, curves, measure, suspects
from tunesmith.evaluate import verdict as verdicts
from tunesmith.events import Event, Found, Measured, Progress, Stage
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.parts import Codec, Job, Predictions, Predictor

FOLDS = 5
SIZES = (0.1, 0.25, 0.5, 1.0)
SEEN = 2_000  # training rows on which the fit is looked at


@dataclass(frozen=True)
class Final:
    """The model that will be served: fitted, calibrated, not yet proven."""

    rung: Rung
    job: Job
    predictor: Predictor
    codec: Codec
    calibrated: Mapping[str, float]
    suspects: list[dict[str, Any]] = field(default_factory=list)
    finding: Finding | None = None


@dataclass(frozen=True)
class Proof:
    """What the test rows say.  predictions: by rung name, all on the same rows."""

    predictions: Mapping[str, Predictions]
    scores: Mapping[str, Mapping[str, measure.Score]]
    verdict: verdicts.Verdict


def out_of_fold(climber: Climber, rung: Rung) -> Generator[Event, None, tuple[np.ndarray, list[Record]]]:
    """(logits [N, C], rows): each row of training + validation predicted by a fit that saw none of its group."""
    rows = list(climber.prepared.fitting)
    folds = _folds([climber.prepared.groups.get(row.key, 0) for row in rows])
    logits = np.zeros((len(rows), len(_codec(rung).settings["labels"])), np.float32)
    start = time.monotonic()
    for fold in range(FOLDS):
        inside = np.flatnonzero(folds != fold)
        outside = [int(i) for i in np.flatnonzero(folds == fold)]
        if not len(inside) or not outside:
            continue
        predictor = yield from _fitted(climber, rung, [rows[i] for i in inside], f"fold-{fold}")
        for index, output in zip(outside, predictor.outputs([rows[i] for i in outside]), strict=True):
            logits[index] = output[0]
        yield Progress("out-of-fold", fold + 1, FOLDS, time.monotonic() - start)
    return logits, rows


def _folds(groups: Sequence[int]) -> np.ndarray:
    """A fold [N] for each row; rows of one group share it."""
    known, index = np.unique(np.asarray(groups), return_inverse=True)
    order = np.random.default_rng(0).permutation(len(known))
    return (order % FOLDS)[index]


def _fitted(
    climber: Climber, rung: Rung, rows: Sequence[Record], name: str
) -> Generator[Event, None, Predictor]:
    job = replace(
        _job(rung), train=rows, validation=(), folder=climber.folder / "refits" / f"{rung.name[:8]}-{name}"
    )
    approach = rung.approach
    for event in approach.fit(job):
        if isinstance(event, Progress):
            yield event
    return approach.open(job.model, job.task, job.codec, job.base, job.recipe)


def _job(rung: Rung) -> Job:
    assert rung.job is not None
    return rung.job


def _codec(rung: Rung) -> Codec:
    return _job(rung).codec


def finalise(climber: Climber, rung: Rung, helper: Rung | None) -> Generator[Event, None, Final]:
    """Calibrate on rows not trained on, then refit cheap rungs on training + validation rows.

    helper: the best cheap rung, whose out-of-fold predictions look for wrong labels when the chosen one is not cheap.
    """
    yield Stage("calibrate", rung.name)
    refits = rung.approach.refits
    source = rung if refits else helper
    logits, rows = (yield from out_of_fold(climber, source)) if source else (np.zeros((0, 0)), [])
    truth = _truth(climber, rung, rows)
    doubts, finding = _doubts(source, logits, truth, rows)
    if finding:
        yield Found(finding)
    if not refits:
        rows = list(climber.prepared.validation)
        logits, truth = _validation_logits(rung, rows), _truth(climber, rung, rows)
    codec, calibrated = _calibrated(_codec(rung), rung, logits, truth)
    predictor = rung.predictor
    job = _job(rung)
    if refits and climber.prepared.validation:
        yield Stage("refit", f"{rung.name} on {len(climber.prepared.fitting):,} training and validation rows")
        predictor = yield from _fitted(climber, rung, climber.prepared.fitting, "final")
        job = replace(job, folder=climber.folder / "refits" / f"{rung.name[:8]}-final")
    assert predictor is not None
    return Final(rung, job, predictor, codec, calibrated, doubts, finding)


def _validation_logits(rung: Rung, rows: Sequence[Record]) -> np.ndarray:
    if not rows or rung.predictor is None:
        return np.zeros((0, 0), np.float32)
    return np.stack([output[0] for output in rung.predictor.outputs(rows)])


def _truth(climber: Climber, rung: Rung, rows: Sequence[Record]) -> np.ndarray:
    index = {label: n for n, label in enumerate(_codec(rung).settings["labels"])}
    return np.array([index.get(climber.prepared.task.target(row) or "", -1) for row in rows], np.int64)


def _calibrated(
    codec: Codec, rung: Rung, logits: np.ndarray, truth: np.ndarray
) -> tuple[Codec, dict[str, float]]:
    if not len(truth):
        return codec, {"temperature": 1.0, "threshold": 0.0, "coverage": 1.0}
    temperature = calibration.temperature(logits, truth)
    probs = calibration.softmax(logits / temperature)
    confidence, correct = probs.max(axis=1), probs.argmax(axis=1) == truth
    threshold, coverage, error = calibration.threshold(confidence, correct, rung.recipe.serve.target_error)
    found = {"temperature": temperature, "threshold": threshold, "coverage": coverage, "error": error}
    return codec.with_settings(temperature=temperature, threshold=threshold), found | {"n": float(len(truth))}


def _doubts(
    rung: Rung | None, logits: np.ndarray, truth: np.ndarray, rows: Sequence[Record]
) -> tuple[list[dict[str, Any]], Finding | None]:
    if rung is None or not len(rows):
        return [], None
    labels = _codec(rung).settings["labels"]
    probs = calibration.softmax(logits / calibration.temperature(logits, truth))
    texts = {row.key: _job(rung).task.text(row) for row in rows}
    found = suspects.suspects(probs, truth, labels, rows)
    return [{**each.to_json(), "text": texts[each.row]} for each in found], suspects.likely_wrong(
        probs, truth, labels, rows
    )


def learning_curve(climber: Climber, rung: Rung) -> Generator[Event, None, list[dict[str, Any]]]:
    """Scores on the validation rows after fits on 10, 25, 50 and 100 % of the training rows."""
    yield Stage("learning-curve", rung.name)
    rows = climber.prepared.train
    order = np.random.default_rng(0).permutation(len(rows))
    metric = climber.prepared.task.metrics[0]
    points, start = [], time.monotonic()
    for number, share in enumerate(SIZES):
        part = [rows[i] for i in sorted(order[: max(2, round(share * len(rows)))])]
        predictor = (
            rung.predictor if share == 1.0 else (yield from _fitted(climber, rung, part, f"size-{number}"))
        )
        assert predictor is not None
        found = climber.predictions(predictor, _codec(rung), climber.prepared.validation)
        points.append({"rows": len(part), "score": measure.measure(found, [metric])[metric]})
        yield Progress("learning-curve", number + 1, len(SIZES), time.monotonic() - start)
    return points


def prove(
    climber: Climber, final: Final, baselines: Sequence[Rung], others: Sequence[Rung]
) -> Generator[Event, None, Proof]:
    """Score the chosen model, the baselines (refitted on the same rows) and, if wanted, all other rungs."""
    prepared = climber.prepared
    yield Stage("prove", f"{len(prepared.test):,} test rows, touched once")
    found = {"chosen": _labels(climber, final.predictor, final.codec)}
    for rung in (*baselines, *others):
        if rung.recipe == final.rung.recipe:
            found[rung.name] = found["chosen"]
            continue
        predictor, codec = rung.predictor, _codec(rung)
        if rung.approach.refits and prepared.validation:
            predictor = yield from _fitted(climber, rung, prepared.fitting, "baseline")
        assert predictor is not None
        found[rung.name] = _labels(climber, predictor, codec)
    metrics = measure.metric_names(prepared.task)
    plain = [
        name for name in metrics if not measure.metric(name).probabilistic
    ]  # only the chosen is calibrated
    scores = {
        name: measure.measure(each, metrics if each is found["chosen"] else plain)
        for name, each in found.items()
    }
    yield Measured("chosen", "test", {name: score.to_json() for name, score in scores["chosen"].items()})
    judged = verdicts.verdict(
        found["chosen"],
        prepared.profile.labels,
        {
            name: each
            for name, each in found.items()
            if name in {"majority", "linear"} and each is not found["chosen"]
        },
        measure.metric(metrics[0]),
        name=metrics[0].replace("macro_f1", "macro-F1"),
    )
    return Proof(found, scores, judged)


def _labels(climber: Climber, predictor: Predictor, codec: Codec) -> Predictions:
    found = climber.predictions(predictor, codec, climber.prepared.test)
    assert isinstance(found, Predictions)
    return found


def diagnosis(climber: Climber, rung: Rung) -> tuple[str, float]:
    """(sentence, score on training rows): does it over- or underfit?"""
    prepared = climber.prepared
    if rung.predictor is None or rung.predictions is None or not prepared.train:
        return "Without validation rows, over- and underfitting can't be told apart.", float("nan")
    metric = measure.metric(prepared.task.metrics[0])
    step = max(1, len(prepared.train) // SEEN)
    seen = climber.predictions(rung.predictor, _codec(rung), prepared.train[::step])
    train_score = metric.value(seen, np.ones(len(seen.rows)))
    name = prepared.task.metrics[0]
    validation = [point[name] for point in rung.curve] or [rung.scores[name].value]
    _, sentence = curves.fit_diagnosis(train_score, validation)
    return sentence, train_score


def cheapest_good(rungs: Sequence[Rung]) -> Rung | None:
    """The best measured rung that refits: for out-of-fold predictions and learning curves."""
    cheap = [rung for rung in rungs if rung.predictions is not None and rung.approach.refits]
    cheap = [rung for rung in cheap if rung.recipe.approach.name != "majority"]
    return max(cheap, key=lambda rung: next(iter(rung.scores.values())).value, default=None)
