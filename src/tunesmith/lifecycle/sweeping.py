"""The verb `sweep`: many recipes of one space, the weak ones ended early, the best one confirmed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.errors import DataError, UsageError
from tunesmith.events import Event, Finished
from tunesmith.home import home_folder
from tunesmith.lifecycle import lineage, prepare
from tunesmith.lifecycle.climb import Climber
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.recording import kept
from tunesmith.lifecycle.results import Result
from tunesmith.lifecycle.space import axes
from tunesmith.lifecycle.sweep_plan import Plan, planned, resolved
from tunesmith.lifecycle.sweeper import Sweeper
from tunesmith.recipe import toml
from tunesmith.recipe.legal import require_legal
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files, runs

VERB = "sweep"
FACTOR = 3  # of so many trials one goes on
ASKED = "asked.toml"  # the recipe as it was given: what trials are made of


def sweep(
    recipe: Path | str | Recipe | None = None,
    *,
    over: Sequence[str] = (),
    space: Path | None = None,
    sampler: str = "auto",
    trials: int = 0,
    factor: int = FACTOR,
    budget: float = 0.0,
    baseline: bool = False,
    overrides: Sequence[str] = (),
    resume: str = "",
    home: Path | str | None = None,
    offline: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """The best recipe of a space: Finished(Result).

    over: 'KEY=a,b,c' or 'KEY=low..high'; space: a TOML file that says the same.  trials: how many points besides what
    the recipe itself says, 0: the whole grid, or 16.  factor: of so many trials one goes on at each rung; 1: all run
    to the end.  budget: seconds of training into which the trials must fit.  baseline: the recipe's own values run to
    the end too.  resume: id of an interrupted sweep.
    """
    place = home_folder(home)
    wanted = {"trials": trials, "factor": factor, "budget": budget, "baseline": baseline}
    if resume:
        _require_alone(bool(recipe or over or space or overrides), sampler, wanted)
        run_ = _resumable(runs.open_run(place, resume))
        asked, plan = toml.load(run_.folder / ASKED), Plan.from_json(run_.lineage[VERB])
        prepared = prepare.again(run_.recipe, run_.lineage["digests"], run_.lineage["name"], place)
        yield from lineage.differences(run_)
        early: list[Event] = []
    else:
        asked = _loaded(recipe, overrides, place)
        plan = planned(asked, axes(over, space), sampler, wanted)
        early, prepared = yield from kept(prepare.prepare(resolved(asked, place), place))
        _require_rows(prepared)
        run_ = runs.create(
            place, prepared.recipe, {**lineage.of(prepared), "verb": VERB, VERB: plan.to_json()}
        )
        files.write(run_.folder / ASKED, toml.dumps(asked).encode())
    with run_.hold():
        for event in early:
            run_.append(event)
        climber = Climber(prepared, run_.folder, place / "cache", offline)
        sweeper = Sweeper(climber, asked, plan, place, stop or threading.Event(), run_)
        values = yield from sweeper.swept()
        run_.append(Finished(result := Result(values)))
    yield Finished(result)


def _require_alone(given: bool, sampler: str, wanted: Mapping[str, Any]) -> None:
    """A resumed sweep asks what it asked before, so that it ends as it would have ended."""
    usual = {"trials": 0, "factor": FACTOR, "budget": 0.0, "baseline": False}
    if given or sampler != "auto" or dict(wanted) != usual:
        raise UsageError(
            "C186",
            "a resumed sweep takes no other recipe, space or options than those with which it began",
            expected="--resume RUN alone",
            fixes=("tunesmith sweep --resume RUN", "begin another sweep, without --resume"),
            where="--resume",
        )


def _loaded(recipe: Path | str | Recipe | None, overrides: Sequence[str], home: Path) -> Recipe:
    if recipe is None:
        raise UsageError(
            "C109", "neither a recipe nor a sweep to resume was given", fixes=("tunesmith init",)
        )
    text = toml.dumps(recipe) if isinstance(recipe, Recipe) else ""
    made = toml.loads(text, overrides=overrides) if text else toml.load(Path(str(recipe)), overrides)
    require_legal(made)
    return made


def _require_rows(prepared: Prepared) -> None:
    if not prepared.validation:
        raise DataError(
            "C185",
            "there are no validation rows to choose by",
            expected="a share of the rows that is held out",
            fixes=("--set data.split.validation=0.15",),
            where="data.split.validation",
        )


def _resumable(run_: runs.Run) -> runs.Run:
    if lineage.verb_of(run_) != VERB:
        raise UsageError(
            "N509",
            f"the run {run_.id} is no sweep",
            expected="a run of `tunesmith sweep`",
            fixes=(lineage.again(run_), "tunesmith runs ls"),
            where=run_.id,
        )
    return run_
