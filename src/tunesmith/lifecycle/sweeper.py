"""A sweep at work: the first rung of every trial, later rungs of the better ones, then the winner."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.errors import TrainingError
from tunesmith.events import Event, Measured, Note, Stage
from tunesmith.lifecycle import asking, halving, rate_probe, sweep_result
from tunesmith.lifecycle.advancing import Runner
from tunesmith.lifecycle.climb import Climber
from tunesmith.lifecycle.points import own_point, with_point, with_range
from tunesmith.lifecycle.recording import through
from tunesmith.lifecycle.space import Axis
from tunesmith.lifecycle.sweep_plan import Plan, resolved
from tunesmith.lifecycle.trials import Journal, Trial, ranked
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.store import files, runs

PROBED, OPEN = (
    ("threads", "dtype", "products", "device"),
    ("auto", 0),
)  # keys of [train], and what leaves them open


@dataclass(frozen=True)
class Sweeper:
    """One sweep at work."""

    climber: Climber
    asked: Recipe
    plan: Plan
    home: Path
    stop: threading.Event
    run: runs.Run

    def swept(self) -> Generator[Event, None, dict[str, Any]]:
        """Every rung, then the winner."""
        journal = Journal(self.run.folder)
        rungs = halving.shares(self.plan.trials + 1, self.plan.factor)
        runner = Runner(self.climber, journal, rungs, self.stop)
        yield self._kept(Stage("sweep", f"run {self.run.id}: {self._said(rungs)}"))
        space = yield from self._space(journal)
        yield from self._first(runner, space)
        for rung in range(1, len(rungs)):
            yield from self._later(runner, rung)
        return (yield from through(self._result(runner, space), self.run))

    def _said(self, rungs: Sequence[float]) -> str:
        shares = ", ".join(f"{share:.0%}" for share in rungs)
        sampler = {"grid": "the grid", "random": "chance"}.get(self.plan.sampler, "Optuna")
        return f"the recipe's own values and {self.plan.trials} points by {sampler}, rungs at {shares} of the steps"

    def _kept(self, event: Event) -> Event:
        self.run.append(event)
        return event

    def _logged(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events; stages and scores are kept in the run's log, steps of many trials would mean nothing there."""
        for event in events:
            if isinstance(event, Stage | Measured | Note):
                self.run.append(event)
            yield event

    def _space(self, journal: Journal) -> Generator[Event, None, list[Axis]]:
        """The axes, with the range of learning rates that a probe finds where one is asked for."""
        if not any(axis.probed for axis in self.plan.space):
            return list(self.plan.space)
        if journal.range is None:
            recipe = self._decided(self.asked)
            base = self.climber.base(recipe)
            job = self.climber.job(recipe, self.run.folder / "probe", base)
            low, high = yield from rate_probe.probed(job)
            journal.probe(low, high)
            yield self._kept(Note(f"learning rates between {low:g} and {high:g} are tried"))
        assert journal.range is not None
        return with_range(self.plan.space, *journal.range)

    def recipe_of(self, trial: Trial) -> Recipe:
        """The recipe of a trial, decided in all; its rows are those of the sweep."""
        made = self.asked if not trial.number else with_point(self.asked, trial.point)
        return self._decided(made).model_copy(update={"data": self.climber.prepared.recipe.data})

    def _decided(self, recipe: Recipe) -> Recipe:
        """A recipe with all that it leaves open; what was probed of the machine as the sweep began holds to its end."""
        begun = self.climber.prepared.recipe.train
        found = {f"train.{key}": getattr(begun, key) for key in PROBED if getattr(recipe.train, key) in OPEN}
        return resolved(with_values(recipe, found, by="probe"), self.home)

    def _first(self, runner: Runner, space: Sequence[Axis]) -> Iterator[Event]:
        """Ask for points and bring each to the end of the first rung, as long as there is budget."""
        journal = runner.journal
        if not journal.trials:
            journal.begin(own_point(space, self._decided(self.asked)))
        while True:
            trial = journal.trials[-1]
            if trial.look(0) is None and not trial.failed:
                yield from self._logged(runner.advance(trial, self.recipe_of(trial), 0))
                self._release(runner, 1 if len(runner.rungs) > 1 else 0)
            point = self._next(runner, space)
            if point is None:
                return
            journal.begin(point)

    def _next(self, runner: Runner, space: Sequence[Axis]) -> dict[str, Any] | None:
        trials, plan = runner.journal.trials, self.plan
        spent = sum(trial.looks[0].seconds for trial in trials if trial.looks)
        fits = not plan.budget or halving.affordable(
            len(trials), spent, plan.budget, plan.factor, runner.rungs
        )
        if len(trials) > plan.trials or not fits:
            return None
        known = [(trial.point, trial.value(0)) for trial in trials]
        return asking.following(plan.sampler, space, known, self.asked.train.seed)

    def _later(self, runner: Runner, rung: int) -> Iterator[Event]:
        """Those that go on, to the end of a later rung."""
        trials = runner.journal.trials
        count = halving.kept(len(trials), self.plan.factor, rung)
        going = ranked(trials, rung - 1)[:count]
        if self.plan.baseline and trials[0] not in going and not trials[0].failed:
            going.append(trials[0])
        for trial in going:
            if trial.look(rung) is None and not trial.failed:
                yield from self._logged(runner.advance(trial, self.recipe_of(trial), rung))
        self._release(runner, rung + 1)

    def _release(self, runner: Runner, rung: int) -> None:
        """Remove the checkpoints of those that can't be among the ones that go on to a rung."""
        trials = runner.journal.trials
        count = halving.kept(self.plan.trials + 1, self.plan.factor, rung)
        before = min(rung, len(runner.rungs)) - 1
        for trial in ranked(trials, before)[count:]:
            if trial.number or not self.plan.baseline:
                files.remove(trial.folder / "checkpoints")

    def _result(self, runner: Runner, space: Sequence[Axis]) -> Generator[Event, None, dict[str, Any]]:
        trials, last = runner.journal.trials, len(runner.rungs) - 1
        finished = ranked(trials, last)
        if not finished:
            raise _none(trials, self.run)
        winner = finished[0]
        yield Stage(
            "confirm", f"trial {winner.number} on {len(self.climber.prepared.validation):,} validation rows"
        )
        return sweep_result.told(runner, winner, self.recipe_of(winner), space, self.plan.sampler, self.run)


def _none(trials: Sequence[Trial], run_: runs.Run) -> TrainingError:
    failed = next((trial.failed for trial in trials if trial.failed), None)
    return TrainingError(
        "R703",
        f"none of {len(trials)} trials came to an end with a score"
        + (f"; the first failed with {failed['code']}: {failed['found']}" if failed else ""),
        expected="one that can be trained here",
        fixes=("--over train.peak_lr=1e-5..1e-3   (lower rates)", f"tunesmith runs show {run_.id}"),
        where=str(run_.folder),
    )
