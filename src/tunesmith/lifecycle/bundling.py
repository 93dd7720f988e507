"""From a chosen rung to a registered bundle and its report: calibrate, refit, prove, judge, write."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import gate, model
from tunesmith.evaluate import compare as comparing
from tunesmith.evaluate import measure, report
from tunesmith.events import Event, Saved, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle import climb, labels, prove, reporting, texts
from tunesmith.lifecycle import lineage as lineages
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.lifecycle.proofs import Proven
from tunesmith.model import Model
from tunesmith.names import ModelVersion
from tunesmith.registry import Registry
from tunesmith.store import files, runs

GOLDEN = 16  # rows that every face must repeat
KINDS: dict[str, Any] = {"label": labels, "text": texts}  # what a task predicts → how it is chosen and proven


def prove_and_bundle(
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
    prepared = climber.prepared
    proven = yield from KINDS[prepared.task.predicts].proven(climber, rungs, chosen, prove_all)
    judged = _judge(proven, prepared, home)
    lineage = {**lineages.of(prepared), "run": run_.id, "created": reporting.now()}
    found = reporting.gather(
        prepared, rungs, proven, why=why, steps=_steps_of(steps, chosen), gate=judged, lineage=lineage
    )
    return (yield from _bundle(climber, proven.final, found, lineage, home, out, run_))


def choose(rungs: Sequence[Rung], prepared: Prepared, prefer: str) -> tuple[Rung, str]:
    """(rung, why), by what the task predicts."""
    return KINDS[prepared.task.predicts].choose(rungs, prepared, prefer)


def _steps_of(steps: Sequence[Event], chosen: Rung) -> list[Event]:
    """The optimiser steps of the chosen rung: those after the last `Stage` that names it."""
    starts = [n for n, event in enumerate(steps) if isinstance(event, Stage) and event.detail == chosen.name]
    later = list(steps[starts[-1] :]) if starts else list(steps)
    ends = [n for n, event in enumerate(later) if n and isinstance(event, Stage)]
    return later[: ends[0]] if ends else later


def _judge(proven: Proven, prepared: Prepared, home: Path) -> gate.GateResult:
    section = proven.final.job.recipe.gate
    scores = {name: score.to_json() for name, score in proven.scores["chosen"].items()}
    if not section.not_worse_than:
        return gate.judge(scores, section)
    registry = Registry(home)
    name = prepared.name if section.not_worse_than == "production" else section.not_worse_than
    known = [version for version in registry.models() if version.name == name.partition("@")[0]]
    if not known or (
        section.not_worse_than == "production" and not any(v.stage == "production" for v in known)
    ):
        return gate.judge(scores, section)
    version = registry.find(f"{name}@production" if section.not_worse_than == "production" else name)
    rival = Model.load(version.folder, name=version.ref, digest=version.digest)
    rows = prepared.task.measured([prepared.objective.shown(row) for row in prepared.test])
    other = climb.outcomes(prepared, rival.predict(rows), rows)
    metric = measure.metric(prepared.task.metrics[0])
    difference = comparing.paired(proven.outcomes["chosen"], other, metric)
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
    version = _registered(final, found, lineage, prepared, home)
    yield Saved("bundle", str(version.folder), version.digest)
    found |= {"model": version.ref, "serve_command": f"tunesmith serve {version.ref}"}
    folder = Path(out) if out else run_.folder
    files.write(folder / "report.json", report.to_json(found).encode())
    files.write(folder / "report.html", report.render(found).encode())
    yield Saved("report", str(folder / "report.html"))
    for spent in (
        *run_.folder.rglob("checkpoints"),
        run_.folder / "refits",
    ):  # all that lasts is in the bundle
        files.remove(spent)
    return _values(found, prepared, str(version.folder), str(folder / "report.html"), run_.id)


def _registered(
    final: prove.Final, found: Mapping[str, Any], lineage: Mapping[str, Any], prepared: Prepared, home: Path
) -> ModelVersion:
    """Write the bundle in a staging folder and register it; nothing is left there, whatever happens."""
    staging = files.make_folder(home / "staging" / secrets.token_hex(8))
    try:
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
            golden=golden_rows(prepared),
        )
        return Registry(home).register(staging, prepared.name, made.digest, lineage)
    finally:
        files.remove(staging)


def golden_rows(prepared: Prepared) -> list[Record]:
    """Rows for parity: one of each label in turn, from the side that is largest at hand."""
    rows = [prepared.objective.shown(row) for row in prepared.validation or prepared.train]
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
        "metrics": found["metrics"],
        "ladder": ladder,
        "chosen": found["chosen"],
        "chosen_reason": found["chosen_reason"],
        "test": found["test"],
        "verdict": {key: found["verdict"][key] for key in ("outcome", "sentence")},
        "gate": found["gate"],
        "model": found["model"],
        "bundle": bundle,
        "report": page,
        "run": run_id,
        **{key: found[key] for key in ("forgetting", "preferences", "tuned") if key in found},
        "serve_command": found["serve_command"],
    }
