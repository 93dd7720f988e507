"""Choosing and proving models that answer in words: against the base on the same rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.evaluate import measure, verdict
from tunesmith.events import Event, Measured, Stage
from tunesmith.lifecycle import picking, preferring, retaining
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.proofs import Proven
from tunesmith.lifecycle.prove import Final
from tunesmith.parts import Answers, Outcomes

BASE = "prompt"  # the approach that leaves the base as it is
BASELINES = (BASE,)
LOSS = "loss"  # of the reference: what tuning lowers first, long before answers are good
SHOWN = 12  # rows that the report shows


def choose(rungs: Sequence[Rung], prepared: Prepared, prefer: str) -> tuple[Rung, str]:
    """(rung, why).  'simple': the simplest that is not measurably worse than the best; 'best': the best."""
    return picking.picked(rungs, prepared.task.metrics[0], prefer)


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
    """Score the chosen rung, the base and the best tuned rung on the same test rows, and look at what was forgotten."""
    prepared = climber.prepared
    assert chosen.job is not None and chosen.predictor is not None
    yield Stage("prove", f"{len(prepared.task.measured(prepared.test)):,} test rows, touched once")
    final = Final(chosen, chosen.job, chosen.predictor, chosen.job.codec, {})
    base = next((rung for rung in rungs if rung.predictor and rung.recipe.approach.name == BASE), None)
    tuned = _best_tuned(rungs, chosen, prepared.task.metrics[0])
    others = [rung for rung in rungs if rung.predictor and prove_all]
    wanted = {rung.name: rung for rung in (base, tuned, *others) if rung}
    found: dict[str, Outcomes] = {"chosen": _outcomes(climber, chosen)}
    for name, rung in wanted.items():
        found[name] = found["chosen"] if name == chosen.name else _outcomes(climber, rung)
    names = measure.metric_names(prepared.task)
    scores = {name: measure.measure(each, names) for name, each in found.items()}
    yield Measured("chosen", "test", {name: score.to_json() for name, score in scores["chosen"].items()})
    forgotten = yield from retaining.measured(climber, base, tuned or chosen, found)
    beside = found[base.name] if base else found["chosen"]
    report: dict[str, Any] = {"answers": _answers(prepared, found["chosen"], beside)}
    if forgotten:
        report["forgetting"] = {**forgotten, "rung": (tuned or chosen).name}
    if preferred := (yield from preferring.measured(climber, base, tuned or chosen)):
        report["preferences"] = preferred
    if base and tuned:
        report["tuned"] = _against_base(prepared, found, base, tuned)
    judged = _judged(prepared, found, scores["chosen"], base, rungs)
    return Proven(final, found, scores, judged, _fitted(chosen), report)


def _outcomes(climber: Climber, rung: Rung) -> Outcomes:
    assert rung.predictor is not None and rung.job is not None
    return climber.predictions(rung.predictor, rung.job.codec, climber.prepared.test)


def _best_tuned(rungs: Sequence[Rung], chosen: Rung, metric: str) -> Rung | None:
    """The chosen rung where it was tuned from a base, else the best that was: whatever is served, tuning is told of."""
    tuned = [rung for rung in rungs if rung.predictor and rung.approach.trains and rung.approach.based]
    if chosen in tuned:
        return chosen
    better, known = measure.metric(metric).better, [rung for rung in tuned if metric in rung.scores]
    return max(known, key=lambda rung: better * rung.scores[metric].value, default=None)


def _against_base(
    prepared: Prepared, found: Mapping[str, Outcomes], base: Rung, tuned: Rung
) -> dict[str, Any]:
    """The tuned rung against the base on the same test rows: by the main score, and by the loss on the references."""
    names = [prepared.task.metrics[0], *(name for name in prepared.task.metrics[1:] if name == LOSS)]
    pair = found[tuned.name], found[base.name]
    told = {
        name: verdict.against_base(*pair, measure.metric(name), name=name, base_name=_called(base))
        for name in names
    }
    return {
        "rung": tuned.name,
        "comparisons": [{"metric": name, **each.to_json()} for name, each in told.items()],
    }


def _judged(
    prepared: Prepared,
    found: Mapping[str, Outcomes],
    scores: Mapping[str, measure.Score],
    base: Rung | None,
    rungs: Sequence[Rung],
) -> verdict.Verdict:
    """Against the base; where that is what is served, or is not there, nothing can be told."""
    name = prepared.task.metrics[0]
    if base is None or found[base.name] is found["chosen"]:
        score = scores[name]
        why = _alone(base, rungs) if base else "there is no base to compare with"
        said = f"Can't tell: {why}. Its {name} is {score.value:.3f} on {score.n:,} test rows."
        return verdict.Verdict("cannot-tell", said, score.to_json())
    return verdict.against_base(
        found["chosen"], found[base.name], measure.metric(name), name=name, base_name=_called(base)
    )


def _alone(base: Rung, rungs: Sequence[Rung]) -> str:
    """That the base itself is served, and what else was tried."""
    why = f"{_called(base)} is served as it is"
    if any(rung.predictions is not None and rung is not base for rung in rungs):
        why += ": no other rung that was measured is measurably better"
    skipped = [rung.name for rung in rungs if rung.skipped]
    return f"{why} (skipped: {', '.join(skipped)})" if skipped else why


def _called(base: Rung) -> str:
    """What the base is called in a sentence: with an endpoint it is the server's model."""
    model = base.recipe.approach.options.get("model")
    return f"the server's model '{model}'" if base.approach.remote else "the base"


def _answers(prepared: Prepared, chosen: Outcomes, base: Outcomes) -> list[dict[str, Any]]:
    """Rows with what the base and the chosen model answer: those that gained most, and those that lost most."""
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
