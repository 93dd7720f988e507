"""The README of an exported model: what it is, what it was made of, how good it is, what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.lifecycle.agreeing import Agreement
from tunesmith.parts import Origin
from tunesmith.store import files

UNKNOWN = "not known: ask the owners of the base and of the data before you pass it on"
PARTS = ("README.md", "LICENSE", "LICENSE.upstream", "LICENSE.txt")


def text(origin: Origin, form: str, found: Sequence[Agreement]) -> str:
    """The card in Markdown, with the front matter that model hubs read."""
    report = files.read_json(origin.folder / "evaluation.json")
    parts = (
        _front(origin, form),
        _what(origin, form),
        _made(origin),
        _good(report),
        _proof(found),
        _use(origin),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(origin: Origin, form: str) -> str:
    based = origin.tuning is not None
    lines = [
        f"license: {json.dumps('other' if _licences(origin) else 'unknown')}",
        "pipeline_tag: text-generation",
        *([f"base_model: {json.dumps(_called(origin))}"] if based else []),
        "tags:",
        *(f"- {tag}" for tag in ("tunesmith", form)),
    ]
    return "\n".join(("---", *lines, "---"))


def _what(origin: Origin, form: str) -> str:
    recipe = origin.recipe
    how = (
        f"tuned from `{_called(origin)}` with {recipe.tuning.name}"
        if origin.tuning is not None
        else "trained from nothing"
    )
    return (
        f"# {origin.name}\n\nA language model for the task `{recipe.task.name}`, {how} by tunesmith and "
        f"exported as `{form}`. Objective: {recipe.objective.name}; regularizer: {recipe.regularizer.name}."
    )


def _made(origin: Origin) -> str:
    lineage = files.read_json(origin.folder / "lineage.json")
    digests: Mapping[str, str] = lineage.get("digests", {})
    rows = [
        ("base weights (SHA-256)", origin.base.digest if origin.tuning is not None else ""),
        ("data version", digests.get("version", "")),
        ("split", digests.get("split", "")),
        ("bundle", files.sha256(origin.folder / files.MANIFEST)),
        ("made", lineage.get("created", "")),
    ]
    return _section("Made of", [f"- {name}: `{value}`" for name, value in rows if value])


def _good(report: Mapping[str, Any]) -> str:
    """The scores on the test rows, each with its interval, and the verdict."""
    scores: Mapping[str, Mapping[str, Any]] = (report.get("test") or {}).get("chosen", {})
    rows = [
        f"| {name} | {each['value']:.3f} | {each['low']:.3f} to {each['high']:.3f} | {each['n']} |"
        for name, each in scores.items()
        if None not in (each.get("value"), each.get("low"), each.get("high"))
    ]
    head = ["| metric | value | 95 % interval | test rows |", "| --- | --- | --- | --- |"]
    said = (report.get("verdict") or {}).get("sentence", "")
    forgot = (report.get("forgetting") or {}).get("sentence", "")
    return _section(
        "Quality", [each for each in (said, forgot) if each] + (["", *head, *rows] if rows else [])
    )


def _proof(found: Sequence[Agreement]) -> str:
    rows = [f"- {each.n - each.wrong} of {each.n} {each.what}: {each.by}" for each in found]
    return _section("Agrees with the model that was trained", rows)


def _use(origin: Origin) -> str:
    licences = _licences(origin)
    return _section("Licence", [f"- {each}" for each in licences] or [UNKNOWN])


def _licences(origin: Origin) -> list[str]:
    """What is known: licence files of the base, and what the data's sources say."""
    held = [name for name in PARTS if (origin.base.folder / name).is_file()]
    base = [f"base `{_called(origin)}`: see its {' and '.join(held)}"] if held and origin.tuning else []
    data = files.read_json(origin.folder / "evaluation.json").get("data") or {}
    sources: Sequence[Any] = data.get("sources") or ()
    given = {str(each["licence"]) for each in sources if isinstance(each, Mapping) and each.get("licence")}
    return base + [f"data: {each}" for each in sorted(given)]


def _called(origin: Origin) -> str:
    """The base's name; of a folder of one's own no more than the folder's."""
    return origin.base.folder.name if Path(origin.base.name).is_dir() else origin.base.name


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines) if lines else ""
