"""Choosing and proving models that answer in words: against the base on the same rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.evaluate import compare, measure, verdict
from tunesmith.events import Event, Measured, Stage
from tunesmith.lifecycle import retaining
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.proofs import Proven
from tunesmith.lifecycle.prove import Final
from tunesmith.parts import Answers, Outcomes

BASE = "prompt"  # the approach that leaves the base as it is
BASELINES = (BASE,)
SHOWN = 12  # rows that the report shows


def choose(rungs: Sequence[Rung], prepared: Prepared, prefer: str) -> tuple[Rung, str]:
    """(rung, why).  'simple': the simplest that is not measurably worse than the best; 'best': the best."""
    metric = measure.metric(prepared.task.metrics[0])
    measured = [rung for rung in rungs if rung.predictions is not None]
    candidates = [(rung.name, rung.predictions) for rung in measured if rung.predictions is not None]
    values = [metric.better * rung.scores[prepared.task.metrics[0]].value for rung in measured]
    best = int(np.argmax(np.nan_to_num(values, nan=-np.inf)))
    index = best if prefer == "best" else compare.simplest_not_worse(candidates, metric)
    chosen = measured[index]
    if prefer == "best" or index == best:
        return chosen, f"{chosen.name} scores best on the validation rows"
    return (
        chosen,
        f"{chosen.name} is the simplest rung that is not measurably worse than {measured[best].name}",
    )


def told(found: Outcomes) -> dict[str, Any]:
    """What a report of some rows says beside the scores: the first answers."""
    assert isinstance(found, Answers)
    shown = zip(found.prompts[:SHOWN], found.references, found.answers, strict=False)
    return {
        "answers": [
            {"prompt": asked, "reference": next(iter(wanted), ""), "answer": said.text}
            for asked, wanted, said in shown
        ]
    }


def proven(
    climber: Climber, rungs: Sequence[Rung], chosen: Rung, prove_all: bool
) -> Generator[Event, None, Proven]:
    """Score the chosen rung and the base on the same test rows, and look at what was forgotten."""
    prepared = climber.prepared
    assert chosen.job is not None and chosen.predictor is not None
    yield Stage("prove", f"{len(prepared.task.measured(prepared.test)):,} test rows, touched once")
    final = Final(chosen, chosen.job, chosen.predictor, chosen.job.codec, {})
    wanted = [rung for rung in rungs if rung.predictor and (prove_all or rung.recipe.approach.name == BASE)]
    found: dict[str, Outcomes] = {"chosen": _outcomes(climber, chosen)}
    for rung in wanted:
        found[rung.name] = found["chosen"] if rung.name == chosen.name else _outcomes(climber, rung)
    names = measure.metric_names(prepared.task)
    scores = {name: measure.measure(each, names) for name, each in found.items()}
    yield Measured("chosen", "test", {name: score.to_json() for name, score in scores["chosen"].items()})
    judged = _judged(prepared, found, wanted)
    base = next((rung for rung in wanted if rung.recipe.approach.name == BASE), None)
    forgotten = yield from retaining.measured(climber, base, chosen, found)
    report = {"answers": _answers(prepared, found, wanted)} | ({"forgetting": forgotten} if forgotten else {})
    return Proven(final, found, scores, judged, _fitted(chosen), report)


def _outcomes(climber: Climber, rung: Rung) -> Outcomes:
    assert rung.predictor is not None and rung.job is not None
    return climber.predictions(rung.predictor, rung.job.codec, climber.prepared.test)


def _judged(prepared: Prepared, found: Mapping[str, Outcomes], wanted: Sequence[Rung]) -> verdict.Verdict:
    name = prepared.task.metrics[0]
    metric = measure.metric(name)
    base = next((rung for rung in wanted if rung.recipe.approach.name == BASE), None)
    if base is None or found[base.name] is found["chosen"]:
        score = measure.measure(found["chosen"], [name])[name]
        why = "the base itself is served" if base else "there is no base to compare with"
        said = f"Can't tell: {why}; its {name} is {score.value:.3f} on {score.n:,} test rows."
        return verdict.Verdict("cannot-tell", said, score.to_json())
    return verdict.against_base(found["chosen"], found[base.name], metric, name=name)


def _answers(
    prepared: Prepared, found: Mapping[str, Outcomes], wanted: Sequence[Rung]
) -> list[dict[str, Any]]:
    """Rows with what the base and the chosen model answer: those that gained most, and those that lost most."""
    chosen = found["chosen"]
    base = next((found[rung.name] for rung in wanted if rung.recipe.approach.name == BASE), chosen)
    assert isinstance(chosen, Answers) and isinstance(base, Answers)
    metric, ones = measure.metric(prepared.task.metrics[0]), np.eye(len(chosen.rows))
    gains = [metric.better * (metric.value(chosen, one) - metric.value(base, one)) for one in ones]
    order = np.argsort(np.nan_to_num(gains), kind="stable")
    picked = dict.fromkeys([*order[::-1][: SHOWN // 2].tolist(), *order[: SHOWN // 2].tolist()])
    return [
        {
            "prompt": chosen.prompts[row],
            "reference": next(iter(chosen.references[row]), ""),
            "base": base.answers[row].text,
            "answer": chosen.answers[row].text,
            "gain": float(gains[row]) if np.isfinite(gains[row]) else None,
        }
        for row in picked
    ]


def _fitted(rung: Rung) -> str:
    """Over- or underfitting, as far as the loss on validation rows tells."""
    losses = [point["loss"] for point in rung.curve if "loss" in point]
    if len(losses) < 2:
        return "Without several looks at validation rows, over- and underfitting can't be told apart."
    best = int(np.argmin(losses))
    if best < len(losses) - 1:
        return (
            f"It began to overfit: the loss on validation rows was lowest ({losses[best]:.3f}) at look {best + 1} "
            f"of {len(losses)}; the weights of that step were kept."
        )
    return f"The loss on validation rows fell to the end ({losses[0]:.3f} to {losses[-1]:.3f}): more passes may help."
