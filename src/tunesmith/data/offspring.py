"""Made rows follow their parents into training and never reach validation or test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import key_of
from tunesmith.data.enlarging import is_made, parents
from tunesmith.fields import Record


def beside(
    records: Sequence[Record],
    held_out: Sequence[Record],
    clusters: np.ndarray,
    divide: Callable[[list[Record], np.ndarray], Any],
) -> Any:
    """Divide the real rows as if no other were there, then place the made ones.

    A made row trains where all its parents train and no near-duplicate of it is held out; else it is on no side.
    clusters: `twins` of the texts of all rows, then of the test file's.  divide: (real rows, their clusters and those
    of the test file) → `split.Split`; so is what is returned.
    """
    real = np.array([n for n, row in enumerate(records) if not is_made(row)], dtype=np.int64)
    tail = np.arange(len(records), len(records) + len(held_out))
    inner = divide([records[n] for n in real], clusters[np.concatenate([real, tail])])
    sides = {name: real[getattr(inner, name)] for name in ("train", "validation", "test")}
    training = {key_of(records[n]) for n in sides["train"].tolist()}
    proof = set(clusters[np.concatenate([sides["validation"], sides["test"], tail])].tolist())
    made = [n for n, row in enumerate(records) if is_made(row)]
    joins = [n for n in made if training.issuperset(parents(records[n])) and int(clusters[n]) not in proof]
    sides["train"] = np.sort(np.concatenate([sides["train"], np.array(joins, dtype=np.int64)]))
    keys = {**inner.sides, **{key_of(records[n]): "train" for n in joins}}
    return replace(inner, **sides, sides=keys, groups=_groups(records, real, made, inner.groups))


def _groups(
    records: Sequence[Record], real: np.ndarray, made: Sequence[int], inner: np.ndarray
) -> np.ndarray:
    """The group of every row: real ones keep theirs, a made row is of its first parent's, or one of its own."""
    groups = np.full(len(records), -1, dtype=np.int64)
    groups[real] = real[inner[: len(real)]] if len(real) else inner[:0]
    of = {key_of(records[n]): int(groups[n]) for n in real.tolist()}
    for n in made:
        groups[n] = next((of[key] for key in parents(records[n]) if key in of), n)
    outside = inner[len(real) :]
    known = np.concatenate([real, np.arange(len(records), len(records) + len(outside))])
    return np.concatenate([groups, known[outside]]) if len(outside) else groups
