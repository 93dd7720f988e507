"""`data lineage`: where a version comes from, what was done to it, and what was made with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith.data import journal, source, version
from tunesmith.errors import MissingError
from tunesmith.events import Event, Finished
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.results import Result
from tunesmith.names import slug
from tunesmith.registry import Registry
from tunesmith.store import runs


def lineage(ref: str, *, home: Path | str | None = None) -> Iterator[Event]:
    """The tree of a version: sources → steps → versions → splits, runs and models: Finished(Result).

    ref: a version, or a file from which versions were made.  Raises MissingError F013 where there is none.
    """
    place = home_folder(home)
    name = slug(source.title(ref)) if Path(ref).exists() else ref
    digest = version.find(place, name)
    if not digest:
        raise MissingError(
            "F013",
            f"no version was made of '{ref}'",
            expected="a version, or a file of which one was made",
            fixes=("tunesmith data ls",),
            where=ref,
        )
    known = name.partition("@")[0]
    tree = _node(place, known, digest, frozenset())
    heirs = [each for each in _children(place) if each["parent"] == digest]
    yield Finished(Result({"data": ref, **tree, "children": heirs}))


def _node(home: Path, name: str, digest: str, seen: frozenset[str]) -> dict[str, Any]:
    """A version with its own last step, its parents, and who used it."""
    about = {**datasets.about(home, digest), **journal.noted(home, name, digest)}
    steps = about.get("steps") or []
    last = dict(steps[-1]) if steps else {}
    parents = dict.fromkeys([about.get("parent", ""), *last.get("of", ())])
    known = seen | {digest}
    return {
        "version": journal.named(home, digest, name),
        "digest": digest,
        "rows": about.get("rows"),
        "step": last,
        "steps": steps,
        "sources": about.get("sources", []),
        "parents": [_node(home, name, each, known) for each in parents if each and each not in known],
        "used_by": _users(home, digest),
    }


def _users(home: Path, digest: str) -> list[dict[str, Any]]:
    """Runs and models that were made with a version."""
    found = [
        {"kind": "run", "ref": run.id, "status": run.status, "as": role}
        for run in runs.list_runs(home)
        for role in _roles(run.lineage, digest)
    ]
    if (home / "registry.jsonl").exists():
        found += [
            {"kind": "model", "ref": model.ref, "stage": model.stage, "as": role}
            for model in Registry(home).models()
            for role in _roles(model.lineage, digest)
        ]
    return found


def _roles(lineage_: Mapping[str, Any], digest: str) -> list[str]:
    digests = lineage_.get("digests") or {}
    return [role for role in ("version", "test_version") if digests.get(role) == digest]


def _children(home: Path) -> list[dict[str, Any]]:
    """Every version that has a parent, once."""
    found = {}
    for name, digests in journal.numbered(home).items():
        for digest in digests:
            how = journal.noted(home, name, digest)
            verb = how["steps"][-1]["verb"] if how.get("steps") else ""
            ref = journal.named(home, digest, name)
            found[ref] = {"version": ref, "parent": how.get("parent", ""), "verb": verb}
    return list(found.values())
