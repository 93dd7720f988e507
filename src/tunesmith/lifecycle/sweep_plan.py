"""What a sweep was asked for: its space, who chooses points, how many, how fast the weak ones end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.advise.ladder import advised
from tunesmith.lifecycle import asking, tuned_bases
from tunesmith.lifecycle.points import require_sound
from tunesmith.lifecycle.space import Axis
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values


@dataclass(frozen=True)
class Plan:
    """What was asked: a resumed sweep asks the same.

    factor: of so many trials one goes on.  budget: seconds of training, 0: no limit.  baseline: the recipe's own values
    run to the end whatever they score.
    """

    space: tuple[Axis, ...]
    sampler: str
    trials: int
    factor: int
    budget: float
    baseline: bool

    def to_json(self) -> dict[str, Any]:
        """One JSON object; `from_json` reads it."""
        rest = {key: getattr(self, key) for key in ("sampler", "trials", "factor", "budget", "baseline")}
        return {"space": [axis.to_json() for axis in self.space], **rest}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`."""
        return Plan(**{**value, "space": tuple(Axis.from_json(each) for each in value["space"])})


def planned(recipe: Recipe, space: Sequence[Axis], sampler: str, wanted: Mapping[str, Any]) -> Plan:
    """What is asked, tried on the recipe's own types before anything is read or trained."""
    require_sound(space, recipe)
    # a range that is probed later is one to the sampler now
    ranged = [replace(axis, values=()) if axis.probed else axis for axis in space]
    name, count = asking.sampler(sampler, ranged, wanted["trials"])
    return Plan(**{**wanted, "space": tuple(space), "sampler": name, "trials": count})


def resolved(recipe: Recipe, home: Path) -> Recipe:
    """A recipe as `train` would run it: advice taken, and what it leaves open decided on this machine."""
    recipe = tuned_bases.with_base(recipe, home)
    recipe = advised(recipe, catalog.make("task", recipe.task))
    return with_values(recipe, catalog.make("approach", recipe.approach).resolve(recipe), by="probe")
