"""Which parts of a recipe go together; who does not is refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.parts import NeuralTask, Task
from tunesmith.recipe.places import Places
from tunesmith.recipe.sections import Recipe

SERVING = ("approach", "tuning", "objective")  # kinds whose parts say themselves which tasks they serve


def require_legal(recipe: Recipe, places: Places | None = None) -> None:
    """Refuse what does not go together: approach, tuning and objective with the task, regularizer with the tuning.

    A task that no network learns is only asked of the approach: the other sections then mean nothing.  places: where
    the keys of the recipe stand.  Raises UsageError C113, which names the parts that would go.
    """
    task: Task = catalog.make("task", recipe.task)
    for kind in SERVING if isinstance(task, NeuralTask) else SERVING[:1]:
        if not _serves(kind, getattr(recipe, kind), task):
            raise _refused(recipe, kind, "task", legal(kind, task), places)
    if isinstance(task, NeuralTask) and not _holds(recipe.regularizer.name, recipe.tuning.name):
        raise _refused(recipe, "regularizer", "tuning", regularizers(recipe.tuning.name), places)


def legal(kind: str, task: Task) -> list[str]:
    """Names of the approaches, tunings or objectives that serve a task as they are by default."""
    return _named(kind, lambda name: catalog.part(kind, name)().serves(task))


def regularizers(tuning: str) -> list[str]:
    """Names of the regularizers that go with a tuning."""
    return _named("regularizer", lambda name: _holds(name, tuning))


def _named(kind: str, fits: Callable[[str], bool]) -> list[str]:
    return [name for name in catalog.names(kind) if fits(name)]


def _serves(kind: str, section: Any, task: Task) -> bool:
    return catalog.make(kind, section).serves(task)


def _holds(regularizer: str, tuning: str) -> bool:
    """Whether a regularizer that must know how far weights are moved learns it from the tuning."""
    return not catalog.part("regularizer", regularizer).measures or catalog.part("tuning", tuning).measurable


def _refused(recipe: Recipe, kind: str, other: str, names: list[str], places: Places | None) -> UsageError:
    own, its = getattr(recipe, kind).name, getattr(recipe, other).name
    where = f"{kind}.name"
    return UsageError(
        "C113",
        f"the {kind} '{own}' does not go with the {other} '{its}'",
        expected=f"one of: {', '.join(names)}" if names else f"another {other}",
        fixes=tuple(f"--set {where}={name}" for name in names[:2]) or (f"--set {other}.name=NAME",),
        where=places.of(where) if places else where,
    )
