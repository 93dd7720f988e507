"""Jobs for every objective and regularizer with miniature networks, on rows of what an objective learns from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from miniature import OPTIONS
from tunesmith import catalog
from tunesmith.data.checking import last
from tunesmith.fields import Record
from tunesmith.parts import Job, Objective, Profile, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.tasks import _language, _samples

TASKS = ("text-classification", "chat")


def served(objective: Objective) -> str:
    """The task on which an objective is tried."""
    return next(name for name in TASKS if objective.serves(catalog.part("task", name)()))


def rows(content: str, task: Task) -> list[Record]:
    """Samples of what an objective learns from."""
    if content == "preference":
        return _language.records(_samples.preferences())
    if content == "unpaired":
        return unpaired()
    return task.samples()


def unpaired() -> list[Record]:
    """Answers that are wanted and answers that are not, in turns."""
    made = [
        {
            "prompt": row["prompt"],
            "completion": row["rejected" if number % 2 else "chosen"],
            "label": number % 2 == 0,
        }
        for number, row in enumerate(_samples.preferences())
    ]
    return _language.records(made)


def general() -> list[Record]:
    """Plain texts that are no part of the data."""
    return _language.records(_samples.documents())


def job(
    folder: Path,
    objective: Any = "supervised",
    *,
    regularizer: Any = "none",
    tuning: Any = "full",
    task: Any = "",
    resume: bool = False,
    train: Sequence[Record] | None = None,
    **options: Any,
) -> Any:
    """A `Job` of 12 training and 6 validation samples (16 and 8 of labels) in `folder`."""
    section = objective if isinstance(objective, dict) else {"name": objective}
    part: Objective = catalog.make("objective", Recipe.model_validate(_tables(objective=section)).objective)
    recipe = Recipe.model_validate(
        _tables(
            task=task or served(part),
            objective=section,
            regularizer=regularizer,
            tuning=tuning,
            train=OPTIONS | {"dropout": 0.0} | options,
        )
    )
    made = catalog.make("task", recipe.task)
    known = rows(part.content, made)
    codec = made.tiny_codec(Profile(len(known), Counter(made.target(row) or "" for row in made.samples())))
    learnt = known[::3] + known[1::3] if train is None else list(train)
    return Job(
        made,
        recipe,
        learnt[:16],
        known[2::3],
        codec,
        None,
        folder,
        folder / "cache",
        seed=recipe.train.seed,
        resume=resume,
        general=general(),
    )


def _tables(**sections: Any) -> dict[str, Any]:
    return {"data": {"source": "samples"}, **sections}


def net_of(made: Any, seed: int = 0) -> Any:
    """The miniature of a job's task, without dropout."""
    import torch

    torch.manual_seed(seed)
    net = made.task.tiny(made.codec)
    net.begin(seed, made.options.dropout)
    return net


def taught(made: Any) -> tuple[Any, Any, Any]:
    """(objective, net, lesson) of a job."""
    objective = catalog.make("objective", made.recipe.objective)
    net = net_of(made)
    return objective, net, last(objective.lesson(made, net))
