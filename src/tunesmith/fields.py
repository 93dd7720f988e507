"""The words of data: records, the fields that a task wants, and rows that could not be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tunesmith.findings import Place

Role = Literal["input", "target", "group"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a record of a task holds.

    name: its name in the recipe.  role: what it is for.  synonyms: column names that usually mean it, likeliest first.
    required: a table without it can't serve the task.
    """

    name: str
    role: Role
    synonyms: tuple[str, ...] = ()
    required: bool = True


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
