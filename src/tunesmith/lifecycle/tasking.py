"""Which task a recipe means where it names none: that of what its rows hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.data import mapping, source, version
from tunesmith.errors import TunesmithError
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values


def with_task(recipe: Recipe, home: Path) -> Recipe:
    """The recipe with the task, and where its rows need one the objective, that their content suggests.

    What the user names stays; where the rows can't be told, the recipe stays as it is and reading them says why.
    """
    if any(path.startswith(("task", "objective")) for path in recipe.decided):
        return recipe
    return with_values(recipe, _suggested(_content(recipe, home)), by="advice")


def _content(recipe: Recipe, home: Path) -> str:
    data = recipe.data
    try:
        if not Path(data.source).exists() and (digest := version.find(home, data.source)):
            return version.load(home, digest, data.source.partition("@")[0]).content
        found = mapping.read_as(source.sniff(data.source), form=data.form, given=data.fields)
    except TunesmithError:
        return ""
    return catalog.part("form", found.form).content


def _suggested(content: str) -> dict[str, Any]:
    for name, task in catalog.parts("task").items():
        if task.content == content and task.usual:
            return {"task.name": name}
    for name, objective in catalog.parts("objective").items():
        if objective.content == content and objective.usual:
            return {"task.name": "chat", "objective.name": name}
    return {}
