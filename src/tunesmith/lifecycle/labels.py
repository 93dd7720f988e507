"""Choosing and proving models that give labels: calibrated, refitted, against guessing and simple rungs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from tunesmith.advise import ladder
from tunesmith.evaluate import measure, verdict
from tunesmith.events import Event
from tunesmith.lifecycle import picking, prove, reporting
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.proofs import Proven
from tunesmith.parts import Outcomes, Predictions

BASELINES = ("majority", "linear")


def choose(rungs: Sequence[Rung], prepared: Prepared, prefer: str) -> tuple[Rung, str]:
    """(rung, why).  'simple': the simplest that is not measurably worse than the best; 'best': the best.

    Where that one does not beat guessing on the validation rows, or is a constant, the floor rung is served.
    """
    name = prepared.task.metrics[0]
    chosen, why = picking.picked(rungs, name, prefer)
    measured = [rung for rung in rungs if rung.predictions is not None]
    floor = next((rung for rung in measured if rung.recipe.approach.name == ladder.FLOOR), chosen)
    if not isinstance(chosen.predictions, Predictions) or chosen is floor:
        return chosen, why
    counts, metric = prepared.profile.labels, measure.metric(name)
    guessing = verdict.verdict(chosen.predictions, counts, {}, metric, name=name)
    if chosen.recipe.approach.name == "majority" or guessing.outcome != "better":
        return floor, f"no rung measurably beats guessing on the validation rows, so {floor.name} is served"
    return chosen, why


def told(found: Outcomes) -> dict[str, Any]:
    """What a report of some rows says beside the scores: each class, and which are taken for which."""
    assert isinstance(found, Predictions)
    return {
        "classes": [each.to_json() for each in measure.per_class(found)],
        "confused": [list(pair) for pair in measure.most_confused(found)],
    }


def proven(
    climber: Climber, rungs: Sequence[Rung], chosen: Rung, prove_all: bool
) -> Generator[Event, None, Proven]:
    """Calibrate the chosen rung, refit it, and score it on the test rows beside the baselines."""
    prepared, helper = climber.prepared, prove.cheapest_good(rungs)
    curved = chosen if chosen.approach.refits else helper
    points = (yield from prove.learning_curve(climber, curved)) if curved and prepared.validation else []
    fitted = prove.diagnosis(climber, chosen)
    final = yield from prove.finalise(climber, chosen, helper)
    base = [rung for rung in rungs if rung.recipe.approach.name in {"majority", "linear"} and rung.predictor]
    others = [rung for rung in rungs if rung.predictor and rung not in base] if prove_all else []
    proof = yield from prove.prove(climber, final, base, others)
    report = {"suspects": final.suspects, "calibrated": dict(final.calibrated)}
    if points:
        report["data_curve"] = reporting.data_curve(points, prepared.task.metrics[0])
    if prepared.test:
        report |= reporting.about_labels(prepared, final, proof)
    return Proven(final, proof.predictions, proof.scores, proof.verdict, fitted[0], report)
