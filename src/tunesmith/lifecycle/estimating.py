"""Says beforehand what a recipe needs: memory, disk, time, money and energy, here and elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.advise import cost, estimate, fitting, machines, moving, room, sizes
from tunesmith.advise.cost import Probed
from tunesmith.advise.estimate import Question
from tunesmith.advise.ladder import advised
from tunesmith.advise.machines import Machine
from tunesmith.advise.memory import Plan
from tunesmith.advise.moving import Moving
from tunesmith.advise.shapes import Shape
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle import measuring, probing, tuned_bases
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Task
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Data, Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.train import checkpoint

PREDICTED = 3  # a trained token costs about as much as three that are only predicted


def estimated(
    recipe: Path | str | Recipe | None = None,
    *,
    base: str = "",
    rows: int = 0,
    tokens: int = 0,
    task: str = "",
    overrides: Sequence[str] = (),
    table: Path | str | None = None,
    probe: bool = False,
    home: Path | str | None = None,
    offline: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """What training by a recipe, or on a base and so many rows, needs: Finished(Result).

    base: a name, folder, `config.json` or hub id, of which only the configuration is read; or a model of ours, of which
    only that of its base is read, unless a probe is to run.  rows, tokens: how many
    training rows and how long (padded tokens) where there is no data.  table: machines instead of those that come
    with tunesmith.  probe: measure twenty steps here.  Raises UsageError A905 where neither rows nor data are given,
    MissingError A903 for an unknown family, UsageError A904 for a wrong table.
    """
    listed, place = machines.table(Path(table) if table else None), home_folder(home)
    mine = _recipe(recipe, base, rows, task, overrides)
    known = tuned_bases.configured(mine.base, place) or measuring.base_of(mine.base, offline=offline)
    mine = _tasked(mine, known.config, named=bool(recipe or task))
    kind: Task = catalog.make("task", mine.task)
    shape = sizes.shape(known.config, decoder=False if kind.classifies else None)
    yield Stage("base", f"{mine.base}: {estimate.words(shape.parameters)} parameters, {shape.family}")
    found = (
        measuring.given(mine, kind, known, rows, tokens)
        if rows or not mine.data.source
        else (yield from measuring.read(mine, kind, known, place))
    )
    steps = None
    if probe:
        merged = tuned_bases.with_base(mine, place)
        steps = yield from probing.steps(merged, place, offline, stop or threading.Event())
    question = estimate.Question(
        mine,
        shape,
        found,
        partial(_moving, shape, known, found.classes),
        checkpoint.KEEP,
        answers=int(kind.model_dump().get("answer_tokens", 0)),
    )
    here = machines.here(machines.measured())
    if steps is not None:
        yield Note(f"{steps.count} steps took {steps.mean:.3f} s each")
    yield Finished(Result(_values(question, listed, here, steps)))


def _recipe(
    given: Path | str | Recipe | None, base: str, rows: int, task: str, overrides: Sequence[str]
) -> Recipe:
    """The recipe of a file, or one of defaults on a base."""
    if isinstance(given, Recipe):
        loaded = toml.loads(toml.dumps(given), overrides=overrides) if overrides else given
    elif given:
        loaded = toml.load(Path(given), overrides)
    elif base and rows:
        empty = toml.dumps(Recipe(data=Data(source="")).model_copy(update={"decided": {}}))
        loaded = toml.loads(empty, where="command line", overrides=overrides)
    else:
        raise UsageError(
            "A905",
            "there is neither a recipe nor a base with a number of rows",
            expected="tunesmith estimate RECIPE.toml, or --base with --rows",
            fixes=("tunesmith estimate --base DIR --rows 1000", "tunesmith init"),
        )
    said = {key: value for key, value in {"base": base, "task.name": task}.items() if value}
    return with_values(loaded, said, by="you")


def _tasked(recipe: Recipe, config: Mapping[str, Any], named: bool) -> Recipe:
    """Where nobody names a task: completion for a causal model, else classification.  With the task's advice."""
    if not named and sizes.is_decoder(config):
        recipe = with_values(recipe, {"task.name": "completion"}, by="advice")
    return advised(recipe, catalog.make("task", recipe.task))


def _moving(shape: Shape, base: Base, classes: int, recipe: Recipe) -> Moving:
    """By a formula, or by building network and tuning without memory."""
    options = catalog.make("tuning", recipe.tuning).model_dump()
    found = moving.moving(shape, recipe.tuning.name, options, 0 if shape.decoder else classes)
    return found or measuring.built(shape, base, recipe)


def _values(
    asked: Question, listed: machines.Table, here: Machine, steps: probing.Steps | None
) -> dict[str, Any]:
    """The object that `--json` prints."""
    mine = estimate.plan(asked, here)
    probed = _probed(asked, here, steps) if steps else None
    first = fitting.on(asked, here, probed)
    if probed and first["fits"]:
        first["cost"] = cost.spent(here, probed.seconds)
    found = [first, *(fitting.on(asked, each, probed) for each in listed.machine)]
    few = estimate.too_few(asked)
    findings = [*([few] if few else []), *fitting.no_room(asked, found[:1])]
    shape, moves = asked.shape, mine.moving
    return {
        "base": asked.recipe.base,
        "family": shape.family,
        "parameters": shape.parameters,
        "counted": shape.counted,
        "moving": moves.parameters,
        "tuning": asked.recipe.tuning.name,
        "dtype": mine.dtype,
        "rows": _rows(asked, mine),
        "memory": estimate.memory_of(mine),
        "checkpointing": room.settled(mine, asked.recipe.train.checkpointing, room.of(here)).to_json(),
        "disk": [each.to_json() for each in cost.disk(mine, asked.kept)],
        "machines": found,
        "probe": steps.to_json() if steps else None,
        "currency": listed.currency,
        "prices": listed.note,
        "findings": [each.to_json() for each in findings],
    }


def _rows(asked: Question, mine: Plan) -> dict[str, Any]:
    rows, longest = asked.rows, max(asked.rows.lengths, default=0)
    return {
        "count": len(rows.lengths),
        "mean_tokens": round(rows.mean, 1),
        "longest_tokens": int(longest),
        "learnt": round(rows.learnt, 3),
        "counted": rows.counted,
        "steps": estimate.length(asked).steps,
        "heaviest": f"{mine.work.rows} rows x {mine.work.length} tokens",
    }


def _probed(asked: Question, here: Machine, steps: probing.Steps) -> Probed:
    """The seconds of the whole run from the steps that were timed, and the share of the machine's speed they reach.

    The steps computed all layers; where the run does so only once for each text, it takes less by as many operations.
    """
    mine, whole = estimate.plan(asked, here), estimate.length(asked)
    evaluated = 1 + whole.predicted / max(whole.tokens, 1) / PREDICTED
    plain, own = cost.operations(replace(mine, stored=0.0), whole), cost.operations(mine, whole)
    low, high = (each * whole.steps * evaluated * own / plain for each in steps.span)
    reached = plain / (steps.mean * whole.steps * evaluated) / here.speed(mine.dtype)
    return Probed((low, high), reached, steps.count, steps.peak)
