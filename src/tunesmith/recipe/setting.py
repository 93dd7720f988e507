"""Set values of a frozen recipe by their dotted paths, and note who decided them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tunesmith.recipe.sections import Recipe


def with_values(recipe: Recipe, values: Mapping[str, Any], by: Literal["you", "advice", "probe"]) -> Recipe:
    """A recipe with values replaced ('train.epochs': 6), validated, each noted in `decided`.

    A value that is already what it should be keeps who decided it.
    """
    tables = recipe.model_dump()
    decided = dict(recipe.decided)
    for path, value in values.items():
        *sections, key = path.split(".")
        table = tables
        for section in sections:
            table = table[section]
        if table.get(key) != value:
            table[key], decided[path] = value, by
    return Recipe.model_validate({**tables, "decided": decided})
