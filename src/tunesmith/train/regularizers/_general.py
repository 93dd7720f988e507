"""General text for regularizers: rows that are no part of the data, as windows of tokens, a few for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.parts import Batch, Example, Job, Net, Tensor, Tuning
from tunesmith.tasks import _language
from tunesmith.train import order

_SALT = 11  # keeps the draw of general rows apart from that of the order of rows


def windows(job: Job) -> list[Example]:
    """Every window of the general rows.

    Raises UsageError C155 without rows, C157 where the task is none of language.
    """
    name = job.recipe.regularizer.name
    if not isinstance(job.task, _language.LanguageTask):
        raise misfit(name, f"the task '{job.recipe.task.name}' is none of language")
    reads: _language.LanguageTask = catalog.part("task", "language-model")()
    found = [example for row in job.general for example in reads.encode(row, job.codec, None)]
    if not any(sum(example.values["weights"]) for example in found):
        raise UsageError(
            "C155",
            f"the regularizer '{name}' has no general rows",
            expected="plain texts that are no part of the data, such as the base was trained on",
            fixes=("--set general.source=FILE", "--set regularizer.name=l2sp"),
            where="general.source",
        )
    return found


def misfit(name: str, why: str) -> UsageError:
    """C157: a regularizer that can't work here."""
    return UsageError(
        "C157",
        f"the regularizer '{name}' can't be used: {why}",
        expected="a tuning that moves weights of the base, and a task of language",
        fixes=("--set regularizer.name=none", "--set tuning.name=lora"),
        where="regularizer",
    )


def drawn(rows: Sequence[Example], count: int, seed: int, step: int) -> list[Example]:
    """Windows for a step: a function of (seed, step), without repetition where there are enough."""
    rng = np.random.default_rng([seed, step, _SALT])
    return [rows[at] for at in rng.choice(len(rows), size=count, replace=count > len(rows))]


def batches(rows: Sequence[Example], job: Job, owner: str) -> list[Batch]:
    """Micro-batches of windows, counted in tokens under the owner's name; they bring no row of the data."""
    made = [_language.collate(part, job.codec) for part in order.micro(rows, job.options.micro_tokens)]
    return [replace(each, rows=(), counts={owner: each.counts["token"]}, owner=owner) for each in made]


def beginning(net: Net, tuning: Tuning) -> dict[str, Tensor]:
    """A copy of what the tuning has as the run begins."""
    return {name: tensor.clone() for name, tensor in tuning.delta(net).items()}


def as_typed(net: Net, start: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The beginning in the number type in which the net computes: what rounding alone did is no move."""
    from tunesmith.nn import parameters

    types = {name: p.dtype for name, p in parameters.live(net)}
    return {name: tensor.to(types.get(name, tensor.dtype)) for name, tensor in start.items()}


def held(job: Job, net: Net, tuning: Tuning, start: Mapping[str, Tensor]) -> dict[str, Any]:
    """The base's own tensors that the tuning moves, by name.  Raises UsageError C157 where it moves none."""
    from tunesmith.nn import parameters

    name, own = job.recipe.regularizer.name, parameters.base_tensors(net)
    found = {moved: own[moved] for moved, _ in tuning.change(net, start) if moved in own}
    if not found:
        raise misfit(name, f"the tuning '{job.recipe.tuning.name}' moves none of the base's weights")
    return found
