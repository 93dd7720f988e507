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

from tunesmith import catalog, gate, machine, model
from tunesmith.errors import UsageError
from tunesmith.evaluate import compare as comparing
from tunesmith.evaluate import measure, report
from tunesmith.events import Event, Finished, Note, Saved, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle import climb, prepare, prove, reporting, serving
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.results import ModelResult
from tunesmith.model import Model
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Gate, Recipe
from tunesmith.registry import Registry
from tunesmith.store import files, runs

GOLDEN = 16  # rows that every face must repeat


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
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """From a file to a proven, served classifier: Finished(ModelResult).

    fields: field of the task → column.  budget: seconds for the ladder and the proof.  prefer: 'simple' or 'best'.
    out: folder for report.html and report.json (default: the run's).  serve: leave the server running.
    """
    begun, place = time.monotonic(), home_folder(home)
    recipe = recipe_of(data, fields or {}, test, base, seed, overrides)
    early, prepared = yield from _kept(prepare.prepare(recipe, place))
    run_ = runs.create(place, prepared.recipe, {**_lineage(prepared), "verb": "up"})
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
        )
        steps, rungs = yield from _kept(climb.climb(climber, prepared.recipe), run_)
        chosen, why = climb.choose(rungs, prepared, prefer)
        yield from _recorded([Note(f"chosen: {why}")], run_)
        ending = _prove_and_bundle(climber, rungs, chosen, why, steps, prove_all, place, out, run_)
        values = yield from _through(ending, run_)
        result = yield from _through(_served(values, place, serve, port), run_)
        run_.append(Finished(result))
    yield Finished(result)


def recipe_of(
    data: str, fields: Mapping[str, str], test: str, base: str, seed: int, overrides: Sequence[str]
) -> Recipe:
    """The recipe that the arguments of `up` say, each value noted as decided by the user."""
    values = {"data.source": data, "data.test": test, "base": base, "train.seed": seed or None}
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
        yield from _rehearse(_loaded(recipe, overrides), place)
        return
    if resume:
        run_ = _resumable(runs.open_run(place, resume))
        prepared = prepare.again(run_.recipe, run_.lineage["digests"], run_.lineage["name"], place)
        yield from _differences(run_)
        early: list[Event] = []
    else:
        early, prepared = yield from _kept(prepare.prepare(_resolved(_loaded(recipe, overrides)), place))
        run_ = runs.create(place, prepared.recipe, {**_lineage(prepared), "verb": "up"})
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
        values = yield from _through(_train(climber, run_, place), run_)
        result = ModelResult({**values, "endpoint": None})
        run_.append(Finished(result))
    yield Finished(result)


def _resumable(run_: runs.Run) -> runs.Run:
    """A run of `train`.  Raises UsageError N508 for one of `up`, which keeps no place in the middle of its ladder."""
    if run_.lineage.get("verb") == "up":
        raise UsageError(
            "N508",
            f"the run {run_.id} was made by `up`, which begins its ladder anew",
            expected="a run of `train`",
            fixes=(f"tunesmith up {run_.recipe.data.source}",),
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
    from tunesmith.recipe.setting import with_values

    return with_values(recipe, catalog.make("approach", recipe.approach).resolve(recipe), by="probe")


def _train(climber: Climber, run_: runs.Run, home: Path) -> Generator[Event, None, dict[str, Any]]:
    """One rung, measured against the baselines, proven and bundled."""
    recipe = climber.prepared.recipe
    yield Stage("train", f"run {run_.id}: {recipe.approach.name}")
    job = climber.job(recipe, run_.folder, climber.base(recipe))
    steps, rung = yield from _kept(climb.fit(climber, _name(recipe), job, time.monotonic()))
    rungs = [*(yield from _baselines(climber, rung)), rung]
    return (
        yield from _prove_and_bundle(
            climber, rungs, rung, "the recipe says so", steps, False, home, None, run_
        )
    )


def _name(recipe: Recipe) -> str:
    tuned = f": {recipe.tuning.name}" if recipe.approach.name == "tune" else ""
    return recipe.approach.name + tuned


def _baselines(climber: Climber, rung: Rung) -> Generator[Event, None, list[Rung]]:
    """Majority and linear on the same rows, where they are not the recipe itself."""
    found = []
    for name in ("majority", "linear"):
        approach = catalog.part("approach", name)()
        if rung.recipe.approach.name == name or not approach.serves(climber.prepared.task):
            continue
        recipe = rung.recipe.model_copy(update={"approach": type(rung.recipe.approach)(name=name)})
        job = climber.job(recipe, climber.folder / "baselines" / name, None)
        yield Stage("baseline", name)
        found.append((yield from climb.fit(climber, name, replace(job, resume=False), time.monotonic())))
    return found


def _prove_and_bundle(
    climber: Climber,
    rungs: Sequence[Rung],
    chosen: Rung,
    why: str,
    steps: Sequence[Event],
    prove_all: bool,
    home: Path,
    out: Path | str | None,
    run_: runs.Run,
) -> Generator[Event, None, dict[str, Any]]:
    """The choice is frozen: calibrate, refit, score the test rows, write and register the bundle and its report."""
    prepared, helper = climber.prepared, prove.cheapest_good(rungs)
    curved = chosen if chosen.approach.refits else helper
    points = (yield from prove.learning_curve(climber, curved)) if curved and prepared.validation else []
    fitted = prove.diagnosis(climber, chosen)
    final = yield from prove.finalise(climber, chosen, helper)
    base = [rung for rung in rungs if rung.recipe.approach.name in {"majority", "linear"} and rung.predictor]
    others = [rung for rung in rungs if rung.predictor and rung not in base] if prove_all else []
    proof = yield from prove.prove(climber, final, base, others)
    judged = _judge(final, proof, prepared, home)
    lineage = {**_lineage(prepared), "run": run_.id, "created": reporting.now()}
    found = reporting.gather(
        prepared,
        rungs,
        final,
        proof,
        why=why,
        points=points,
        fitted=fitted,
        steps=_steps_of(steps, chosen),
        gate=judged,
        lineage=lineage,
    )
    return (yield from _bundle(climber, final, found, lineage, home, out, run_))


def _steps_of(steps: Sequence[Event], chosen: Rung) -> list[Event]:
    """The optimiser steps of the chosen rung: those after the last `Stage` that names it."""
    starts = [n for n, event in enumerate(steps) if isinstance(event, Stage) and event.detail == chosen.name]
    later = list(steps[starts[-1] :]) if starts else list(steps)
    ends = [n for n, event in enumerate(later) if n and isinstance(event, Stage)]
    return later[: ends[0]] if ends else later


def _judge(final: prove.Final, proof: prove.Proof, prepared: Prepared, home: Path) -> gate.GateResult:
    section = final.job.recipe.gate
    scores = {name: score.to_json() for name, score in proof.scores["chosen"].items()}
    if not section.not_worse_than:
        return gate.judge(scores, section)
    registry = Registry(home)
    name = prepared.name if section.not_worse_than == "production" else section.not_worse_than
    known = [version for version in registry.models() if version.name == name.partition("@")[0]]
    if not known or (
        section.not_worse_than == "production" and not any(v.stage == "production" for v in known)
    ):
        return gate.judge(scores, section)
    rival = open_model(f"{name}@production" if section.not_worse_than == "production" else name, home)
    other = climb.arrays(prepared, rival.predict(prepared.test), prepared.test)
    metric = measure.metric(prepared.task.metrics[0])
    difference = comparing.paired(proof.predictions["chosen"], other, metric)
    return gate.judge(scores, section, difference.to_json())


def _bundle(
    climber: Climber,
    final: prove.Final,
    found: dict[str, Any],
    lineage: Mapping[str, Any],
    home: Path,
    out: Path | str | None,
    run_: runs.Run,
) -> Generator[Event, None, dict[str, Any]]:
    prepared = climber.prepared
    yield Stage("bundle", prepared.name)
    staging = files.make_folder(home / "staging" / secrets.token_hex(8))
    for path in sorted(final.job.model.rglob("*")):
        if path.is_file():
            files.copy(path, staging / "model" / path.relative_to(final.job.model))
    made = model.write_bundle(
        staging,
        name=prepared.name,
        codec=final.codec,
        recipe=final.job.recipe,
        base=final.job.base,
        evaluation=found,
        lineage=lineage,
        golden=_golden(prepared),
    )
    version = Registry(home).register(staging, prepared.name, made.digest, lineage)
    yield Saved("bundle", str(version.folder), version.digest)
    found |= {"model": version.ref, "serve_command": f"tunesmith serve {version.ref}"}
    folder = Path(out) if out else run_.folder
    files.write(folder / "report.json", report.to_json(found).encode())
    files.write(folder / "report.html", report.render(found).encode())
    yield Saved("report", str(folder / "report.html"))
    return _values(found, prepared, str(version.folder), str(folder / "report.html"), run_.id)


def _golden(prepared: Prepared) -> list[Any]:
    """Rows for parity: one of each label in turn, from the side that is largest at hand."""
    rows = prepared.validation or prepared.train
    seen: dict[str | None, int] = {}
    ranked = []
    for row in rows:
        label = prepared.task.target(row)
        seen[label] = seen.get(label, 0) + 1
        ranked.append((seen[label], row))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])[:GOLDEN]]


def _values(
    found: Mapping[str, Any], prepared: Prepared, bundle: str, page: str, run_id: str
) -> dict[str, Any]:
    """The one object that `up --json` ends with."""
    findings = [
        {"code": f.code, "severity": f.severity, "count": f.count, "fixed": f.fixed}
        for f in prepared.findings
    ]
    ladder = [{key: value for key, value in rung.items() if key != "chosen"} for rung in found["ladder"]]
    return {
        "task": prepared.recipe.task.name,
        "data": {
            "version": prepared.digests["version"],
            "rows": prepared.rows,
            "splits": reporting.splits(prepared),
            "findings": findings,
        },
        "ladder": ladder,
        "chosen": found["chosen"],
        "test": found["test"],
        "verdict": {key: found["verdict"][key] for key in ("outcome", "sentence")},
        "gate": found["gate"],
        "model": found["model"],
        "bundle": bundle,
        "report": page,
        "run": run_id,
        "serve_command": found["serve_command"],
    }


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
        run_ = runs.create(place, prepared.recipe, _lineage(prepared))
        climber = Climber(prepared, run_.folder, place / "cache", rehearse=True)
        values = yield from _train(climber, run_, place)
        loaded = Model.load(values["bundle"])
        answers = [model.as_json(each) for each in loaded.predict(list(_golden(prepared)))]
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


# ---- recording ------------------------------------------------------------------------------------------


def _kept(
    events: Generator[Event, None, Any], run_: runs.Run | None = None
) -> Generator[Event, None, tuple[list[Event], Any]]:
    """Pass events on (into the run's log too, once there is one); return them all with the generator's value."""
    seen: list[Event] = []

    def noted() -> Generator[Event, None, Any]:
        value = yield from _through(events, run_)
        return value

    passing = noted()
    while True:
        try:
            event = next(passing)
        except StopIteration as ended:
            return seen, ended.value
        seen.append(event)
        yield event


def _through(events: Generator[Event, None, Any], run_: runs.Run | None) -> Generator[Event, None, Any]:
    while True:
        try:
            event = next(events)
        except StopIteration as ended:
            return ended.value
        if run_:
            run_.append(event)
        yield event


def _recorded(events: Iterable[Event], run_: runs.Run) -> Iterator[Event]:
    for event in events:
        run_.append(event)
        yield event


def _lineage(prepared: Prepared) -> dict[str, Any]:
    return {
        "name": prepared.name,
        "parent": prepared.recipe.parent,
        "digests": dict(prepared.digests),
        "versions": machine.versions(),
        "threads": prepared.recipe.train.threads,
        "cores": machine.physical_cores(),
    }


def _differences(run_: runs.Run) -> Iterator[Event]:
    """What is not as it was when the run began: then its bits may differ from an uninterrupted run's."""
    before, after = run_.lineage["versions"], machine.versions()
    changed = [
        f"{name} {before.get(name)} → {after[name]}" for name in after if after[name] != before.get(name)
    ]
    if run_.lineage["cores"] != machine.physical_cores():
        changed.append(f"cores {run_.lineage['cores']} → {machine.physical_cores()}")
    if changed:
        yield Note("not bit-equal to the uninterrupted run, because: " + ", ".join(changed), "warning")
