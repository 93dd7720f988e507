"""Which task a recipe means where it names none: that of what its rows hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith import bases, catalog
from tunesmith.advise import sizes
from tunesmith.data import mapping, source, version
from tunesmith.errors import TunesmithError
from tunesmith.parts import Task
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values


def with_task(recipe: Recipe, home: Path, *, offline: bool = False) -> Recipe:
    """The recipe with the task, and where its rows need one the objective, that their content and the base suggest.

    What the user names stays; where the rows can't be told, the recipe stays as it is and reading them says why.
    """
    if any(path.startswith(("task", "objective")) for path in recipe.decided):
        return recipe
    return with_values(recipe, _suggested(_content(recipe, home), recipe.base, offline), by="advice")


def _content(recipe: Recipe, home: Path) -> str:
    data = recipe.data
    try:
        if not Path(data.source).exists() and (digest := version.find(home, data.source)):
            return version.load(home, digest, data.source.partition("@")[0]).content
        found = mapping.read_as(source.sniff(data.source), form=data.form, given=data.fields)
    except TunesmithError:
        return ""
    return catalog.part("form", found.form).content


def _suggested(content: str, base: str, offline: bool) -> dict[str, Any]:
    alike = {name: task for name, task in catalog.parts("task").items() if task.content == content}
    if usual := next((name for name, task in alike.items() if task.usual), ""):
        return {"task.name": _fitting(usual, alike, base, offline)}
    for name, objective in catalog.parts("objective").items():
        if objective.content == content and objective.usual:
            return {"task.name": "chat", "objective.name": name}
    return {}


def _fitting(usual: str, alike: Mapping[str, type[Task]], base: str, offline: bool) -> str:
    """The usual task of some rows, or another of the same rows where the base is of the other kind."""
    wanted = alike[usual].decoder
    if wanted is None or all(task.decoder in (wanted, None) for task in alike.values()):
        return usual
    try:
        found = sizes.is_decoder(bases.resolve(base, offline=offline).config)
    except TunesmithError:  # whoever opens the base says why
        return usual
    return next((name for name in (usual, *alike) if alike[name].decoder is found), usual)
