"""Jobs on the tasks' own samples with miniature networks: shared by the tests of training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.parts import Job, NeuralTask, Profile
from tunesmith.recipe.sections import Recipe

OPTIONS = {
    "epochs": 3,
    "batch_size": 6,
    "micro_tokens": 128,
    "save_steps": 3,
    "dtype": "float32",
    "threads": 1,
    "peak_lr": 5e-3,
    "dropout": 0.1,
    "patience": 0,
    "window": 2,
}


def job(
    folder: Path,
    *,
    approach: Any = "tune",
    tuning: Any = "full",
    task: Any = "text-classification",
    resume: bool = False,
    parts: dict[str, Any] | None = None,
    **train: Any,
) -> Job:
    """A job of 24 training and 12 validation samples in `folder`.  parts: further sections of the recipe."""
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": task,
            "approach": approach,
            "tuning": tuning,
            "train": OPTIONS | train,
            **(parts or {}),
        }
    )
    made: NeuralTask = catalog.make("task", recipe.task)
    rows = made.samples()
    profile = Profile(len(rows), Counter(made.target(row) or "" for row in rows))
    codec = made.tiny_codec(profile)
    seed = recipe.train.seed
    return Job(
        made, recipe, rows[::2], rows[1::4], codec, None, folder, folder / "cache", seed=seed, resume=resume
    )


def fit(made: Job) -> list[Any]:
    """Run the approach `tune` to its end; return its events."""
    return list(catalog.make("approach", made.recipe.approach).fit(made))


def weights(made: Job) -> bytes:
    """The bytes of the final weights."""
    return (made.model / "delta.safetensors").read_bytes()
