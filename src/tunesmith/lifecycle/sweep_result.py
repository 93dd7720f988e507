"""What a sweep gives back: the winner as a recipe, its score with an interval, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from tunesmith.evaluate import compare, measure
from tunesmith.lifecycle.advancing import Runner, confirmed
from tunesmith.lifecycle.space import Axis
from tunesmith.lifecycle.trials import Trial, ranked
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files, runs

WINNER = "winner.toml"
SHUFFLES = 1000
BINS = 4  # parts into which the values of a range are put


def told(
    runner: Runner, winner: Trial, recipe: Recipe, space: Sequence[Axis], sampler: str, run_: runs.Run
) -> dict[str, Any]:
    """The result; the winner's recipe is written beside the trials, and what nobody needs any more is removed."""
    job = runner.job(winner, recipe)
    found = confirmed(runner.climber, job)
    scores = measure.measure(found, list(job.task.metrics[:2]))
    path = run_.folder / WINNER
    files.write(path, toml.dumps(recipe).encode())
    trials = runner.journal.trials
    values = {
        "run": run_.id,
        "metric": next(iter(winner.looks[-1].scores)),
        "rows": len(found.rows),
        "rungs": list(runner.rungs),
        "sampler": sampler,
        "trials": [trial.to_json() for trial in trials],
        "winner": {
            "trial": winner.number,
            "values": winner.point,
            "recipe": str(path),
            "chosen_by": {name: score.to_json() for name, score in winner.looks[-1].scores.items()},
            "scores": {name: score.to_json() for name, score in scores.items()},
        },
        "against": against(runner, winner),
        "importance": importance(trials, space),
        "seconds": round(sum(trial.seconds for trial in trials), 3),
        "train_command": f"tunesmith train {path}",
    }
    files.write_json(run_.folder / "sweep.json", values)
    _tidy(trials, winner)
    return values


def _tidy(trials: Sequence[Trial], winner: Trial) -> None:
    for trial in trials:
        files.remove(trial.folder / "checkpoints")
        if trial is not winner:
            files.remove(trial.folder / "model")


def against(runner: Runner, winner: Trial) -> list[dict[str, Any]]:
    """The winner paired with the runner-up and with the recipe's own values, on the last rung that both reached."""
    trials, last = runner.journal.trials, len(runner.rungs) - 1
    found = []
    rivals = {"the recipe's own values": trials[0]}
    for rung in range(last, -1, -1):
        others = [trial for trial in ranked(trials, rung) if trial is not winner]
        if others:
            same = others[0] is trials[0]
            rivals = (
                {"the runner-up, the recipe's own values": others[0]}
                if same
                else {"the runner-up": others[0], **rivals}
            )
            break
    for name, rival in rivals.items():
        if rival is not winner and (pair := _paired(runner, winner, rival)):
            found.append({"what": name, "trial": rival.number, **pair})
    return found


def _paired(runner: Runner, winner: Trial, rival: Trial) -> dict[str, Any] | None:
    rungs = [rung for rung in range(len(runner.rungs)) if rival.value(rung) is not None]
    if not rungs:
        return None
    rung = rungs[-1]
    name = next(iter(winner.looks[-1].scores))
    difference = compare.paired(winner.outcomes(rung), rival.outcomes(rung), measure.metric(name))
    values = difference.to_json()
    kept = ("value", "low", "high", "n", "outcome", "more_rows")
    return {"metric": name, "at": runner.rungs[rung], **{key: values[key] for key in kept}}


def importance(trials: Sequence[Trial], space: Sequence[Axis]) -> list[dict[str, Any]]:
    """How much of the spread of the first rung's ranks each key explains (η², 0 to 1), with n and a permutation p.

    It is told for keys with two values or more; the values of a range are put into four parts.
    """
    scores = [(trial, value) for trial in trials if (value := trial.value(0)) is not None]
    known, ranks = [trial for trial, _ in scores], rankdata([value for _, value in scores])
    found = []
    for axis in space:
        parts = _parts([trial.point.get(axis.key) for trial in known], axis)
        if len(set(parts.tolist())) < 2 or len(known) <= len(set(parts.tolist())):
            continue
        share = _explained(ranks, parts)
        random = np.random.default_rng(0)
        chance = [_explained(random.permutation(ranks), parts) for _ in range(SHUFFLES)]
        p = (1 + sum(each >= share - 1e-12 for each in chance)) / (1 + SHUFFLES)
        found.append({"key": axis.key, "share": share, "p": p, "n": len(known)})
    return sorted(found, key=lambda each: -each["share"])


def _parts(values: Sequence[Any], axis: Axis) -> np.ndarray:
    if axis.values:
        known = [str(value) for value in values]
        return np.array([sorted(set(known)).index(value) for value in known], int)
    numbers = np.array([axis.low if value is None else float(value) for value in values])
    edges = np.unique(np.quantile(numbers, np.arange(1, BINS) / BINS)) if len(numbers) else np.zeros(0)
    return np.searchsorted(edges, numbers, side="right")


def _explained(ranks: np.ndarray, parts: np.ndarray) -> float:
    total = float(((ranks - ranks.mean()) ** 2).sum())
    groups = [ranks[parts == part] for part in np.unique(parts)]
    between = sum(len(group) * float((group.mean() - ranks.mean()) ** 2) for group in groups)
    return between / total if total else 0.0
