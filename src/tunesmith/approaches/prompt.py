"""The base as it is: it is asked, and nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tunesmith import machine
from tunesmith.approaches._tuned import untuned
from tunesmith.bases import Base
from tunesmith.events import Event
from tunesmith.parts import Approach, Codec, Job, Predictor, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

START_SECONDS = 5.0  # to load a base


class Prompt(Approach):
    """Zero-shot: what every tuned model is compared with."""

    refits: ClassVar = False
    based: ClassVar = True
    library: ClassVar = "torch"

    def serves(self, task: Task) -> bool:
        return task.predicts == "text"

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {"train.threads": recipe.train.threads or machine.usual_threads()}

    def seconds(self, job: Job, *, probe: bool) -> float:
        return START_SECONDS

    def shorter(self, recipe: Recipe, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        files.write_json(job.model / "prompt.json", {})
        yield from ()

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        return untuned(folder, task, codec, base, recipe)
