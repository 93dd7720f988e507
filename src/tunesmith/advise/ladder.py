"""The ladder: complete recipes for one data set, simplest and cheapest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith import catalog
from tunesmith.parts import Profile, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values

# what a task predicts → name of the rung → what its recipe says
RUNGS: dict[str, dict[str, dict[str, Any]]] = {
    "label": {
        "majority": {"approach": {"name": "majority"}},
        "linear": {"approach": {"name": "linear"}},
        "features": {"approach": {"name": "features"}},
        "tune: top layers + LoRA": {
            "approach": {"name": "tune"},
            "tuning": {"name": "lora", "rank": 16, "layers": 4, "top": 2},
        },
        "tune: full": {"approach": {"name": "tune"}, "tuning": {"name": "full"}},
    },
    "text": {
        "prompt": {"approach": {"name": "prompt", "shots": 0}},
        "prompt: 4 examples": {"approach": {"name": "prompt", "shots": 4}},
        "retrieve": {"approach": {"name": "retrieve"}},
        "tune: LoRA": {"approach": {"name": "tune"}, "tuning": {"name": "lora"}},
        "tune: full": {"approach": {"name": "tune"}, "tuning": {"name": "full"}},
        "scratch": {"approach": {"name": "scratch"}, "tuning": {"name": "full"}},
    },
}
SCRATCH = "scratch"
FLOOR = "linear"  # served when nothing beats guessing: a constant answer is never served
STEPS_WANTED = 900  # optimiser steps after which small sets stop gaining; large ones get FEWEST epochs
FEWEST, MOST = 3, 20


def ladder(recipe: Recipe, task: Task, profile: Profile) -> Iterator[tuple[str, Recipe]]:
    """(name, recipe) of each rung; what the user has decided stays."""
    for name, parts in RUNGS[task.predicts].items():
        rung = recipe.model_copy(update=_parts(recipe, parts))
        epochs = {"train.epochs": advised_epochs(profile.rows, rung.train.batch_size)}
        made = advised(rung, task, epochs if "tuning" in parts else {})
        # a task's own advice is for a base that knows the language already
        yield name, _free(made, epochs) if name == SCRATCH else made


def advised(recipe: Recipe, task: Task, more: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe with what suits its task where the user has decided nothing.  more: advice that gives way to it."""
    return _free(recipe, {**(more or {}), **task.advice})


def _free(recipe: Recipe, advice: Mapping[str, Any]) -> Recipe:
    free = {path: value for path, value in advice.items() if recipe.decided.get(path) != "you"}
    return with_values(recipe, free, by="advice")


def _parts(recipe: Recipe, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a rung.  Of the approach that the user names, what this one knows too stays: an endpoint, say."""
    kind = type(recipe.approach)
    known = catalog.part("approach", parts["approach"]["name"]).model_fields
    kept = {key: value for key, value in recipe.approach.options.items() if key in known}
    sections = {**parts, "approach": {**kept, **parts["approach"]}}
    return {name: kind(**section) for name, section in sections.items()}


def advised_epochs(rows: int, batch_size: int) -> int:
    """Passes over the training rows: more for fewer rows, between 3 and 20."""
    return int(min(MOST, max(FEWEST, round(STEPS_WANTED * batch_size / max(rows, 1)))))
