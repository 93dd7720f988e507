"""The words of data: records, the fields that a task wants, and rows that could not be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tunesmith.findings import Place

Role = Literal["input", "target", "group", "time", "split", "annotator", "origin"]
Kind = Literal["text", "category", "number", "flag", "strings", "labels", "messages", "spans", "json"]
Way = tuple[str | int, ...]  # where a value stands within a record: ("messages", 1, "content")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a record of a task holds.

    name: its name in the recipe.  role: what it is for.  synonyms: column names that usually mean it, likeliest first.
    required: a table without it can't serve the task.  kind: what its values look like.
    """

    name: str
    role: Role
    synonyms: tuple[str, ...] = ()
    required: bool = True
    kind: Kind = "text"


# what a row of any content may say of itself beside what is learnt from it; taken from a column only where the user
# names it, a split column excepted
CONTEXT = (
    Field(
        "group",
        "group",
        ("group", "customer", "customer_id", "user", "user_id", "thread_id"),
        False,
        "category",
    ),
    Field("time", "time", ("time", "date", "timestamp", "created_at", "datetime"), False),
    Field("split", "split", ("split", "side", "subset", "partition"), False, "category"),
    Field("origin", "origin", (), False, "json"),
    Field(
        "annotator",
        "annotator",
        ("annotator", "annotator_id", "rater", "labeller", "worker_id"),
        False,
        "category",
    ),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One row.  Readers fill `fields` with the file's columns; mapping narrows them to the task's fields.

    key: SHA-256 (hex) of the canonical JSON of the mapped fields, empty before mapping.
    """

    fields: Mapping[str, Any]
    place: Place = field(default=Place("", 0), compare=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be read: it goes to quarantine and training goes on without it.

    reason: what is wrong, in words.  fix: what its owner can do.  raw: the start of the row as it stands (at most
    200 characters).
    """

    place: Place
    reason: str
    fix: str
    raw: str = ""


def row_key(fields: Mapping[str, Any]) -> str:
    """The content hash of a mapped row: independent of column order, file and machine."""
    canonical = json.dumps(
        dict(fields), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def at(fields: Mapping[str, Any], path: Way) -> Any:
    """The value at a path.  Raises KeyError or IndexError where there is none."""
    value: Any = fields
    for step in path:
        value = value[step]
    return value


def put(fields: Mapping[str, Any], path: Way, value: Any) -> dict[str, Any]:
    """A copy of the fields with the value at a path replaced; what is not on the path is shared."""
    return _put(fields, path, value)


def _put(node: Any, path: Way, value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(node, Mapping):
        return {**node, step: _put(node.get(step), rest, value)}
    return [_put(item, rest, value) if index == step else item for index, item in enumerate(node)]
