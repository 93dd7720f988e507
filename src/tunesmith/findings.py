"""One judgement: data checks, recipe rules, gates and detectors all speak in Findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SHOWN = 5  # places that a finding names
Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row came from: file, line (1-based; the row number in Parquet and XLSX) and byte offset (-1: none).

    name: the file's name within a source of several files ('train/a.csv'); '' where its own name says enough.
    """

    source: str
    line: int
    byte: int = -1
    name: str = ""

    @property
    def id(self) -> str:
        """The row's id in fixes and changes: file name and line, the same on any machine."""
        return f"{self.name or self.source.rpartition('/')[2]}:{self.line}"

    @property
    def root(self) -> str:
        """The address of the whole source: the file, or the folder of its files."""
        return self.source.removesuffix(f"/{self.name}") if self.name else self.source

    def to_json(self) -> list[Any]:
        """The place as JSON: `Place(*place.to_json())` is it again."""
        return [self.source, self.line, self.byte, *([self.name] if self.name else [])]

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" + (f" (byte {self.byte})" if self.byte >= 0 else "")


@dataclass(frozen=True, slots=True)
class Fix:
    """A way out of a finding: which rows leave and which values change.

    command: what to type.  effect: what it does, in words.  safe: may be applied without asking.
    drops: ids of rows to leave out (`checks/_rows.row_id`).  edits: (row id, path, new value); a path is a field's
    name, or leads into it: "messages/1/content".
    """

    command: str
    effect: str
    safe: bool = False
    drops: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """code: stable (family letter + 3 digits).  count: rows concerned.  places: a few examples of them.

    numbers: figures that a program may read.  fix: None where only a person can decide.
    fixed: the fix was applied to the dataset version that carries this finding.
    ignored: why the owner of the data does not mind ('' where nobody said so); such a finding stops nothing.
    """

    code: str
    severity: Severity
    message: str
    count: int = 0
    places: tuple[Place, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    fix: Fix | None = None
    fixed: bool = False
    ignored: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON without the row lists of the fix (they stand in the version's list of changes)."""
        value = asdict(self)
        value["places"] = [str(place) for place in self.places]
        value["numbers"] = dict(self.numbers)
        if self.fix:
            value["fix"] = {key: getattr(self.fix, key) for key in ("command", "effect", "safe")}
        return value
