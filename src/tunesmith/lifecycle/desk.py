"""Short verbs: what there is, what it means, where to begin."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from tunesmith import catalog, doors, machine
from tunesmith.catalog import nearest
from tunesmith.errors import AccessError, MissingError, TunesmithError, UsageError
from tunesmith.events import Event
from tunesmith.home import home_folder
from tunesmith.lifecycle import lineage
from tunesmith.registry import Registry
from tunesmith.store import files, runs

RECIPE = """\
# A complete recipe: `tunesmith train recipe.toml`.  Unknown keys are errors; override with --set train.epochs=3.
task = "text-classification"
base = "minilm"

[data]
source = "tickets.csv"        # CSV, TSV, JSONL (also .gz), Parquet or XLSX
# fields = { text = "body", label = "queue", group = "customer" }
# test = "heldout.csv"

[approach]
name = "tune"                 # majority, linear, features, tune

[tuning]
name = "full"                 # full, freeze, lora

[train]
epochs = 6

[gate]
macro_f1 = ">= 0.80"
"""


def models(home: Path | str | None = None) -> list[dict[str, Any]]:
    """All registered versions, newest last."""
    return [version.to_dict() for version in Registry(home_folder(home)).models()]


def show_model(ref: str, home: Path | str | None = None) -> dict[str, Any]:
    """One version with its evaluation on the test rows and its history of promotions."""
    registry = Registry(home_folder(home))
    version = registry.find(ref)
    files.verify(version.folder, version.digest)
    evaluation = files.read_json(version.folder / "evaluation.json")
    kept = {
        key: evaluation.get(key) for key in ("verdict", "test", "gate", "calibrated", "created", "forgetting")
    }
    kept["metrics"] = evaluation.get("metrics", ["macro_f1", "accuracy"])  # of bundles that do not say
    return {**version.to_dict(), **kept, "history": registry.history(version.name)}


def promote(ref: str, home: Path | str | None = None) -> dict[str, Any]:
    """Put a version into production."""
    return Registry(home_folder(home)).promote(ref).to_dict()


def rollback(name: str, home: Path | str | None = None) -> dict[str, Any]:
    """Put the version back that was in production before."""
    return Registry(home_folder(home)).rollback(name).to_dict()


def list_runs(home: Path | str | None = None) -> list[dict[str, Any]]:
    """All runs, newest first."""
    return [_run(run) for run in runs.list_runs(home_folder(home))]


def show_run(run_id: str, home: Path | str | None = None) -> dict[str, Any]:
    """One run: its status, recipe, lineage and how many events of each kind it holds."""
    run = runs.open_run(home_folder(home), run_id)
    counts: dict[str, int] = {}
    for event in run.events():
        kind = type(event).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
    recipe = (run.folder / "recipe.toml").read_text("utf-8")
    again = lineage.again(run) if run.status == "interrupted" else None
    found = {"events": counts, "lineage": run.lineage, "recipe": recipe, "error": run.error, "again": again}
    return {**_run(run), "verb": lineage.verb_of(run), **found}


def watch_run(run_id: str, home: Path | str | None = None) -> Iterator[Event]:
    """The events of a run, past and to come, until it ends."""
    return runs.watch(runs.open_run(home_folder(home), run_id))


def _run(run: runs.Run) -> dict[str, Any]:
    recipe = run.recipe
    return {
        "id": run.id,
        "status": run.status,
        "data": Path(recipe.data.source).name,
        "approach": recipe.approach.name,
        "folder": str(run.folder),
    }


def doctor(home: Path | str | None = None) -> dict[str, Any]:
    """What this machine has, what is missing, and the command that brings it."""
    place = home_folder(home)
    facts = machine.describe(place)
    missing = sorted({extra for library, extra in doors.EXTRAS.items() if extra and not doors.has(library)})
    problems = [
        f'pip install "tunesmith[{extra}]"   # {extra}: fine-tuning, frozen encoders' for extra in missing
    ]
    writable = True
    try:
        files.write(place / ".doctor", b"")
        files.remove(place / ".doctor")
    except (AccessError, TunesmithError) as refused:
        writable = False
        problems.append(f"--home DIR   # {refused.found}")
    return {**facts, "home": str(place), "home_writable": writable, "bases": _bases(), "install": problems}


def _bases() -> dict[str, str]:
    from tunesmith import bases

    found = {}
    for name in bases.KNOWN:
        try:
            found[name] = f"ready, SHA-256 {bases.resolve(name).digest[:12]}"
        except TunesmithError as lacking:
            found[name] = f"missing: {lacking.fixes[0] if lacking.fixes else lacking.found}"
    return found


def explanations() -> dict[str, dict[str, str]]:
    """The page of every code: {code: {title, why, fix}}."""
    found: dict[str, dict[str, str]] = {}
    for page in sorted(resources.files("tunesmith.explanations").iterdir(), key=lambda entry: entry.name):
        if page.name.endswith(".toml"):
            found |= tomllib.loads(page.read_text("utf-8"))
    for check in catalog.parts("check").values():
        found.setdefault(
            check.code, {"title": (check.__doc__ or "").strip().partition("\n")[0], "why": "", "fix": ""}
        )
    return found


def explain(code: str) -> dict[str, str]:
    """The page of one code.  Raises MissingError C110 with the nearest one."""
    pages = explanations()
    wanted = code.strip().strip("[]").upper()
    if wanted not in pages:
        close = nearest(wanted, sorted(pages))
        raise MissingError(
            "C110",
            f"there is no code '{code}'",
            expected="a letter and three digits, such as F001",
            fixes=(f"tunesmith explain {close}",) if close else ("tunesmith explain F001",),
            where=code,
        )
    return {"code": wanted, **pages[wanted]}


def init(folder: Path | str = ".") -> list[Path]:
    """Write a recipe to start from; what is there already is never overwritten."""
    goal = Path(folder) / "recipe.toml"
    if goal.exists():
        raise UsageError(
            "C111",
            f"{goal} exists already",
            expected="a folder without recipe.toml",
            fixes=(f"tunesmith train {goal}", "tunesmith init ANOTHER-FOLDER"),
            where=str(goal),
        )
    files.write(goal, RECIPE.encode())
    return [goal]
