"""Points of a space as recipes: what may vary, whether all of them are recipes, what the recipe itself says."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import tomli_w

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.lifecycle.space import Axis
from tunesmith.recipe import schema, toml
from tunesmith.recipe.legal import require_legal
from tunesmith.recipe.sections import Recipe

Point = dict[str, Any]  # key of the recipe → value
# what a trial may not change: then its rows, or what its score means, would not be those of the others
ROWS = ("data", "general", "gate", "serve", "parent", "decided")
NAMES = ("task", "approach", "objective")  # of these parts only the own keys
MOST_CORNERS = 512


def with_point(recipe: Recipe, point: Point) -> Recipe:
    """The recipe with the values of a point, as if they had been set by hand.

    Raises UsageError as a recipe does, with the key of the sweep as its place.
    """
    given = [
        f"{key}={tomli_w.dumps({'v': value}).partition('=')[2].strip()}"
        for key, value in sorted(point.items())
    ]
    try:
        made = toml.loads(toml.dumps(recipe), overrides=given)
        require_legal(made)
    except UsageError as mistake:
        mistake.where = mistake.where.replace("--set", "--over") if mistake.where else "--over"
        mistake.fixes = tuple(fix.replace("--set", "--over") for fix in mistake.fixes)
        told = ", ".join(f"{key}={value}" for key, value in point.items())
        mistake.expected += f"   (trial: {told})"
        raise
    return made


def require_sound(space: Sequence[Axis], recipe: Recipe) -> None:
    """Try every value of each axis, and every corner of the space, on the recipe's own types; nothing is trained.

    Raises UsageError of the first that is no recipe, C182 for a key that no trial may change.
    """
    for axis in space:
        _require_free(axis.key, recipe)
    tested = [axis for axis in space if not axis.probed]
    few = math.prod(len(axis.ends) for axis in tested) <= MOST_CORNERS
    for point in _corners(tested) if few else _single(tested):
        with_point(recipe, point)


def _corners(space: Sequence[Axis]) -> Iterator[Point]:
    for values in itertools.product(*(axis.ends for axis in space)):
        yield {axis.key: value for axis, value in zip(space, values, strict=True)}


def _single(space: Sequence[Axis]) -> Iterator[Point]:
    first = {axis.key: axis.ends[0] for axis in space}
    for axis in space:
        for value in axis.ends:
            yield {**first, axis.key: value}


def own_point(space: Sequence[Axis], recipe: Recipe) -> Point:
    """What the recipe itself says on each axis, where it says anything."""
    found = {axis.key: value_of(recipe, axis.key) for axis in space}
    return {key: value for key, value in found.items() if value is not None}


def value_of(recipe: Recipe, key: str) -> Any:
    """The value of a key; None where the recipe's parts have no such key."""
    first, _, rest = key.partition(".")
    if first in schema.KINDS:
        section = getattr(recipe, first)
        return section.name if rest in {"", "name"} else getattr(catalog.make(first, section), rest, None)
    value: Any = recipe
    for name in key.split("."):
        value = getattr(value, name, None)
    return value


def with_range(space: Sequence[Axis], low: float, high: float) -> list[Axis]:
    """The space with the range that a probe found."""
    return [replace(axis, values=(), low=low, high=high, log=True) if axis.probed else axis for axis in space]


def _require_free(key: str, recipe: Recipe) -> None:
    """A loss for each token of another tokenizer is another measure: then the base of a language model is fixed too."""
    section, _, rest = key.partition(".")
    words = key == "base" and catalog.part("task", recipe.task.name).predicts == "text"
    if section not in ROWS and not (section in NAMES and rest in {"", "name"}) and not words:
        return
    raise UsageError(
        "C182",
        f"'{key}' may not vary in a sweep",
        expected="a key that leaves the rows, and the meaning of their score, as they are",
        fixes=(f"--set {key}=VALUE   (the same for all trials)", "tunesmith up DATA   (compares approaches)"),
        where=f"--over {key}",
    )
