"""Gather what the stages found into the one report that the page, the bundle and `--json` are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunesmith import machine
from tunesmith.evaluate import compare, curves, measure, report
from tunesmith.evaluate.measure import Score
from tunesmith.events import Event, Step
from tunesmith.gate import GateResult
from tunesmith.lifecycle.climb import Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.proofs import Proven
from tunesmith.lifecycle.prove import Final, Proof
from tunesmith.parts import Outcomes, Task
from tunesmith.recipe import toml


def now() -> str:
    """The time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def gather(
    prepared: Prepared,
    rungs: Sequence[Rung],
    proven: Proven,
    *,
    why: str,
    steps: Sequence[Event],
    gate: GateResult,
    lineage: Mapping[str, Any],
) -> dict[str, Any]:
    """The report, complete but for the model's name and number, which it gets when it is registered."""
    metric, final = prepared.task.metrics[0], proven.final
    return {
        "title": prepared.name,
        "created": now(),
        "task": prepared.recipe.task.name,
        "metric": metric,
        "metrics": list(prepared.task.metrics[:2]),
        "verdict": proven.verdict.to_json(),
        "data": _data(prepared),
        "ladder": [{**rung.to_dict(), "chosen": rung.recipe == final.rung.recipe} for rung in rungs],
        "chosen": final.rung.recipe.approach.name,
        "chosen_reason": why,
        "test": {name: _scores(scores) for name, scores in proven.scores.items()},
        "differences": differences(proven.outcomes, metric),
        "training": _training(final.rung, prepared.task, steps, proven.fitted),
        "gate": gate.to_json(),
        "recipe": toml.dumps(final.job.recipe),
        "lineage": dict(lineage),
        "environment": {name: version for name, version in machine.versions().items() if version},
        **proven.report,
    }


def about_labels(prepared: Prepared, final: Final, proof: Proof) -> dict[str, Any]:
    """Classes, confusion, calibration and worst rows of the chosen model on the test rows."""
    return report.about(
        proof.predictions["chosen"],
        [prepared.task.text(row) for row in prepared.test],
        [str(row.place) for row in prepared.test],
        chosen_threshold=final.codec.settings["threshold"],
        temperature=final.codec.settings["temperature"],
    )


def _data(prepared: Prepared) -> dict[str, Any]:
    confidence = prepared.mapping.get("confidence", {})
    return {
        "source": Path(prepared.recipe.data.source).name,
        "version": prepared.digests["version"],
        "rows": prepared.rows,
        "splits": splits(prepared),
        "mapping": [
            {"field": field, "column": column, "confidence": confidence.get(field)}
            for field, column in prepared.mapping["columns"].items()
        ],
        "labels": dict(prepared.profile.labels),
        "findings": [finding.to_json() for finding in prepared.findings],
    }


def splits(prepared: Prepared) -> dict[str, int]:
    """Rows on each side."""
    return {side: len(getattr(prepared, side)) for side in ("train", "validation", "test")}


def _scores(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: score.to_json() for name, score in scores.items()}


def differences(outcomes: Mapping[str, Outcomes], metric: str) -> list[dict[str, Any]]:
    """The chosen model against each other one, paired on the test rows."""
    chosen, found = outcomes["chosen"], []
    for name, other in outcomes.items():
        if other is chosen or not len(chosen.rows):
            continue
        difference = compare.paired(chosen, other, measure.metric(metric)).to_json()
        found.append(
            {
                "against": name,
                **{key: difference[key] for key in ("value", "low", "high", "outcome")},
                "fixed": len(difference["fixed"]),
                "broken": len(difference["broken"]),
            }
        )
    return found


def data_curve(points: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    """A learning curve with its forecast."""
    forecast = curves.forecast(
        [point["rows"] for point in points],
        [point["score"] for point in points],
        name=report.title_of(metric),
    )
    return {
        "points": [{"rows": point["rows"], "score": point["score"].to_json()} for point in points],
        "forecast": forecast.to_json(),
    }


def _training(rung: Rung, task: Task, steps: Sequence[Event], fitted: str) -> dict[str, Any]:
    best = max(rung.curve, key=lambda point: point["score"], default=None)
    lead = next(iter(task.early), task.metrics[0])
    return {
        "loss": [[step.step, sum(step.losses.values())] for step in steps if isinstance(step, Step)],
        "validation": [[point["step"], point[lead]] for point in rung.curve if lead in point],
        "metric": lead,
        "best_step": int(best["step"]) if best else None,
        "sentence": fitted,
    }
