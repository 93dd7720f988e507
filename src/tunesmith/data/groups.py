"""Which rows belong together: near-duplicate texts, equal texts, and equal values of the group field."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.data.checks._rows import normalise, text_of
from tunesmith.data.joining import Forest
from tunesmith.data.twins import twins
from tunesmith.fields import Record
from tunesmith.parts import Content


@dataclass(frozen=True)
class Marks:
    """For each row: the hash of its normalised text, its cluster of near-duplicates, its group value ('' for
    none)."""

    texts: tuple[str, ...]
    clusters: tuple[int, ...]
    values: tuple[str, ...]


def marks(rows: Sequence[Record], content: Content, clusters: np.ndarray | None = None) -> Marks:
    """The marks of rows; clusters (`twins` of their texts) are computed when not given.

    Raises ValueError when there are not as many clusters as rows.
    """
    texts = [normalise(text_of(row, {"content": content})) for row in rows]
    near = twins(texts) if clusters is None else np.asarray(clusters)
    if len(near) != len(rows):
        raise ValueError(f"{len(near)} cluster ids for {len(rows)} rows (the test file's rows count too)")
    values = (row.fields.get("group") for row in rows)
    return Marks(
        tuple(map(_hash, texts)),
        tuple(near.tolist()),
        tuple("" if value is None else str(value) for value in values),
    )


def group_ids(known: Marks, count: int) -> np.ndarray:
    """For each of the first `count` rows the position of the first row of its group, int64 [count]."""
    forest = Forest(count)
    first: dict[tuple[str, str | int], int] = {}
    for index in range(count):
        own = [("near", known.clusters[index]), ("text", known.texts[index]), ("group", known.values[index])]
        for mark in own if known.values[index] else own[:2]:
            forest.join(index, first.setdefault(mark, index))
    return forest.roots()


def group_key(known: Marks, rows: Sequence[int]) -> str:
    """What a group's side depends on: the smallest of its group values, or of its text hashes where it has
    none."""
    values = [known.values[index] for index in rows if known.values[index]]
    return f"group {min(values)}" if values else f"text {min(known.texts[index] for index in rows)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
