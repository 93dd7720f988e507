"""The verbs, read as one story: the only place that joins the stages.

Long verbs are generators of events; the last one is `Finished(result)`.  `run` drains one and gives its result.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle import bundling, climb, lineage, prepare, serving, tasking, tuned_bases
from tunesmith.lifecycle.bundling import golden_rows, prove_and_bundle
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.recording import kept, through
from tunesmith.lifecycle.results import ModelResult
from tunesmith.lifecycle.spending import Tariff
from tunesmith.model import Model
from tunesmith.recipe import toml
from tunesmith.recipe.legal import require_legal
from tunesmith.recipe.sections import Gate, Recipe
from tunesmith.registry import Registry
from tunesmith.store import files, runs


def run(verb: Iterable[Event]) -> Any:
    """Do a verb to its end and return its result."""
    result = None
    for event in verb:
        if isinstance(event, Finished):
            result = event.result
    return result


def up(
    data: str,
    *,
    fields: Mapping[str, str] | None = None,
    test: str = "",
    base: str = "",
    task: str = "",
    form: str = "",
    budget: float = 600.0,
    prefer: str = "simple",
    home: Path | str | None = None,
    out: Path | str | None = None,
    serve: bool = False,
    port: int = 8080,
    seed: int = 0,
    offline: bool = False,
    prove_all: bool = False,
    overrides: Sequence[str] = (),
    machines: Path | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """From a file to a proven, served model: Finished(ModelResult).

    task, form: what kind of problem it is and how rows are written; '' is found out.  fields: field of the form →
    column.  budget: seconds for the ladder and the proof.  prefer: 'simple' or 'best'.  out: folder for report.html and
    report.json (default: the run's).  serve: leave the server running.  machines: a table of machines and their
    prices, by which answers are priced (default: the one that comes along).
    """
    begun, place, tariff = time.monotonic(), home_folder(home), Tariff(machines)
    _ = tariff.table  # a table that can't be read is refused before anything begins
    recipe = recipe_of(data, fields or {}, test, base, seed, overrides, task=task, form=form)
    recipe = tasking.with_task(tuned_bases.with_base(recipe, place), place, offline=offline)
    require_legal(recipe)
    early, prepared = yield from kept(prepare.prepare(recipe, place))
    run_ = runs.create(place, prepared.recipe, {**lineage.of(prepared), "verb": "up"})
    with run_.hold():
        for event in early:
            run_.append(event)
        climber = Climber(
            prepared,
            run_.folder,
            place / "cache",
            offline,
            begun + budget * (1 - climb.RESERVE),
            stop=stop or threading.Event(),
            tariff=tariff,
        )
        steps, rungs = yield from kept(climb.climb(climber, prepared.recipe), run_)
        chosen, why = bundling.choose(rungs, prepared, prefer)
        run_.append(note := Note(f"chosen: {why}"))
        yield note
        ending = prove_and_bundle(climber, rungs, chosen, why, steps, prove_all, place, out, run_)
        values = yield from through(ending, run_)
        result = yield from through(_served(values, place, serve, port), run_)
        run_.append(Finished(result))
    yield Finished(result)


def recipe_of(
    data: str,
    fields: Mapping[str, str],
    test: str,
    base: str,
    seed: int,
    overrides: Sequence[str],
    *,
    task: str = "",
    form: str = "",
) -> Recipe:
    """The recipe that the arguments of `up` say, each value noted as decided by the user."""
    values = {"data.source": data, "data.test": test, "base": base, "train.seed": seed or None}
    values |= {"task.name": task, "data.form": form}
    values |= {f"data.fields.{field}": column for field, column in fields.items() if column}
    said = {path: value for path, value in values.items() if value}
    given = [override for override in overrides if override.partition("=")[0] not in said]
    tables: dict[str, Any] = {}
    for path, value in said.items():
        *sections, key = path.split(".")
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
    return toml.loads(tomli_w.dumps(tables), where="command line", overrides=given)


def train(
    recipe: Path | str | Recipe | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: str = "",
    rehearse: bool = False,
    home: Path | str | None = None,
    offline: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """One recipe from data to a registered model: Finished(ModelResult).

    resume: id of an interrupted run; its recipe and rows come from the store.  rehearse: the whole life on the task's
    own samples with a miniature network, in seconds; nothing is registered.
    """
    place = home_folder(home)
    if rehearse:
        loaded = _loaded(recipe, overrides)
        require_legal(loaded)
        yield from _rehearse(loaded, place)
        return
    if resume:
        run_ = _resumable(runs.open_run(place, resume))
        prepared = prepare.again(run_.recipe, run_.lineage["digests"], run_.lineage["name"], place)
        yield from lineage.differences(run_)
        early: list[Event] = []
    else:
        loaded = tuned_bases.with_base(_loaded(recipe, overrides), place)
        require_legal(loaded)
        early, prepared = yield from kept(prepare.prepare(_resolved(loaded), place))
        run_ = runs.create(place, prepared.recipe, lineage.of(prepared))
    with run_.hold():
        for event in early:
            run_.append(event)
        climber = Climber(
            prepared,
            run_.folder,
            place / "cache",
            offline,
            resume=bool(resume),
            stop=stop or threading.Event(),
        )
        values = yield from through(_train(climber, run_, place), run_)
        result = ModelResult({**values, "endpoint": None})
        run_.append(Finished(result))
    yield Finished(result)


def _resumable(run_: runs.Run) -> runs.Run:
    """A run of `train`.  Raises UsageError N508 for one of another verb, whose run is no single training."""
    others = {"up": "which begins its ladder anew", "sweep": "which resumes its trials itself"}
    verb = lineage.verb_of(run_)
    if verb in others:
        raise UsageError(
            "N508",
            f"the run {run_.id} was made by `{verb}`, {others[verb]}",
            expected="a run of `train`",
            fixes=(lineage.again(run_),),
            where=run_.id,
        )
    return run_


def _loaded(recipe: Path | str | Recipe | None, overrides: Sequence[str]) -> Recipe:
    if isinstance(recipe, Recipe):
        return toml.loads(toml.dumps(recipe), overrides=overrides) if overrides else recipe
    if recipe is None:
        raise UsageError("C109", "neither a recipe nor a run to resume was given", fixes=("tunesmith init",))
    return toml.load(Path(recipe), overrides)


def _resolved(recipe: Recipe) -> Recipe:
    """What the recipe leaves open, decided once on this machine."""
    from tunesmith.advise.ladder import advised
    from tunesmith.recipe.setting import with_values

    recipe = advised(recipe, catalog.make("task", recipe.task))
    return with_values(recipe, catalog.make("approach", recipe.approach).resolve(recipe), by="probe")


def _train(climber: Climber, run_: runs.Run, home: Path) -> Generator[Event, None, dict[str, Any]]:
    """One rung, measured against the baselines, proven and bundled."""
    recipe = climber.prepared.recipe
    yield Stage("train", f"run {run_.id}: {recipe.approach.name}")
    job = climber.job(recipe, run_.folder, climber.base(recipe))
    steps, rung = yield from kept(climb.fit(climber, _name(recipe), job, time.monotonic()))
    rungs = [*(yield from _baselines(climber, rung)), rung]
    return (
        yield from prove_and_bundle(
            climber, rungs, rung, "the recipe says so", steps, False, home, None, run_
        )
    )


def _name(recipe: Recipe) -> str:
    tuned = f": {recipe.tuning.name}" if recipe.approach.name == "tune" else ""
    return recipe.approach.name + tuned


def _baselines(climber: Climber, rung: Rung) -> Generator[Event, None, list[Rung]]:
    """The simple rungs that every model of this kind is compared with, where they are not the recipe itself."""
    found = []
    for name in bundling.KINDS[climber.prepared.task.predicts].BASELINES:
        approach = catalog.part("approach", name)()
        if rung.recipe.approach.name == name or not approach.serves(climber.prepared.task):
            continue
        recipe = rung.recipe.model_copy(update={"approach": type(rung.recipe.approach)(name=name)})
        job = climber.job(recipe, climber.folder / "baselines" / name, climber.base(recipe))
        yield Stage("baseline", name)
        found.append((yield from climb.fit(climber, name, replace(job, resume=False), time.monotonic())))
    return found


def _served(values: dict[str, Any], home: Path, keep: bool, port: int) -> Generator[Event, None, ModelResult]:
    """Start the server as a user would and prove every face before saying that it serves."""
    yield Stage("serve", values["model"])
    bundle = Path(values["bundle"])
    proven = Model.load(bundle, name=values["model"])
    process, address = serving.start(values["model"], home, port if keep else 0)
    try:
        serving.require(serving.prove(proven, bundle, address))
    except BaseException:
        serving.stop(process)
        raise
    yield Note(f"{len(proven.golden())} golden rows agree: library, command line, server, reloaded bundle")
    if keep:
        return ModelResult({**values, "endpoint": address}, process)
    serving.stop(process)
    return ModelResult({**values, "endpoint": None})


def _rehearse(recipe: Recipe, home: Path) -> Iterator[Event]:
    """The same path on samples and miniatures, in a folder that is removed afterwards."""
    place = files.make_folder(home / "rehearsals" / secrets.token_hex(6))
    try:
        short = recipe.train.model_copy(
            update={"epochs": 2, "batch_size": 8, "dtype": "float32", "save_steps": 2, "threads": 1}
        )
        # samples are no data to be judged by: a rehearsal has no gate
        prepared = prepare.rehearsal(_resolved(recipe.model_copy(update={"train": short, "gate": Gate()})))
        run_ = runs.create(place, prepared.recipe, lineage.of(prepared))
        climber = Climber(prepared, run_.folder, place / "cache", rehearse=True)
        values = yield from _train(climber, run_, place)
        loaded = Model.load(values["bundle"])
        answers = [each.to_json() for each in loaded.predict(list(golden_rows(prepared)))]
        serving.require(loaded.parity(answers, exact=True))
        yield Finished(ModelResult({**values, "endpoint": None, "rehearsal": True}))
    finally:
        files.remove(place)


def open_model(ref: str, home: Path | str | None = None) -> Model:
    """A model by 'name', 'name@3', 'name@production', or by the folder of its bundle."""
    folder = Path(ref)
    if (folder / files.MANIFEST).is_file():
        return Model.load(folder)
    version = Registry(home_folder(home)).find(ref)
    return Model.load(version.folder, name=version.ref, digest=version.digest)
