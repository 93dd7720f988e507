"""What is known of rows that are judged, and what the user asked for: all that makers of evidence are given."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.parts import Content


@dataclass(frozen=True)
class Wanted:
    """What a check of data was asked for.

    deep: also evidence that takes minutes (vectors, out-of-fold predictions).  benchmark: a file that training must
    not know.  base: a base model's name or folder ('' where none was named).  max_length: its window in tokens (0: the
    base's own).  test: the rows of the test file.  home: where vectors are kept.
    program: a chat template (Jinja) in place of the base's own.  truncation: what happens to rows that the window can't
    hold (`LanguageTask.truncation`).
    names: a token classifier's folder.  toxicity: a model that knows toxic texts, or 'MODEL:LABEL'.
    workers: processes that look at rows (0: one, or all cores where the rows are on disk).  ray: by Ray's workers.
    """

    deep: bool = False
    benchmark: str = ""
    base: str = ""
    max_length: int = 0
    offline: bool = False
    test: Sequence[Record] = ()
    home: Path = field(default_factory=home_folder)
    names: str = ""
    toxicity: str = ""
    workers: int = 0
    ray: bool = False
    program: str = ""
    truncation: Literal["drop", "left", "right", "split"] = "left"


class Unavailable(Exception):
    """Evidence that can't be had here: why, and what would bring it; without a text where nobody would miss it."""


@dataclass
class Known:
    """The rows, what was asked for, and the evidence so far.  makers: as `evidence.PROVIDERS`."""

    records: Sequence[Record]
    content: Content
    wanted: Wanted
    makers: Mapping[str, Callable[[Known], Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Generator[Event, None, Any]:
        """The evidence of that name, made at its first use.  Raises Unavailable."""
        if name not in self.values:
            made = self.makers[name](self)
            self.values[name] = (yield from made) if isinstance(made, Generator) else made
        return self.values[name]
