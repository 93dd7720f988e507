"""L224: nearly all rows mark nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import planted, plural
from tunesmith.data.contents.tags import Tags
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Place
from tunesmith.parts import Case, Check

FEWEST = 20  # rows
MOST = 0.8  # share of rows; in common sets 30 to 70 % of the sentences name nothing


@dataclass(slots=True)
class _Marks:
    """Rows of tags or spans: how many, how many without any, places of the first of these."""

    rows: int = 0
    without: int = 0
    places: list[Place] = field(default_factory=list)


class NoEntities(Check):
    """Such rows teach where nothing is; with little else, a model that finds nothing is nearly right."""

    code = "L224"

    def start(self) -> _Marks:
        return _Marks()

    def update(self, state: _Marks, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Marks:
        if not evidence["content"].offers & {"tags", "spans"}:
            return state
        state.rows += len(rows)
        for row in rows:
            if not _marked(row):
                state.without += 1
                state.places = [*state.places, row.place][:SHOWN]
        return state

    def merge(self, first: _Marks, second: _Marks) -> _Marks:
        places = (first.places + second.places)[:SHOWN]
        return _Marks(first.rows + second.rows, first.without + second.without, places)

    def findings(self, state: _Marks) -> list[Finding]:
        share = state.without / max(1, state.rows)
        if state.rows < FEWEST or share <= MOST:
            return []
        message = f"{share:.0%} of {plural(state.rows, 'row')} mark nothing"
        numbers = {"share": share, "rows": state.rows}
        return [Finding(self.code, "info", message, state.without, tuple(state.places), numbers)]

    def planted(self) -> tuple[Case, Case]:
        named = {"tokens": ["Ada", "Lovelace"], "tags": ["B-person", "I-person"]}
        empty = {"tokens": ["Nobody", "came"], "tags": ["O", "O"]}
        return planted(Tags(), *[empty] * 22, named), planted(Tags(), *[empty, named] * 11)


def _marked(row: Record) -> bool:
    return bool(row.fields.get("spans")) or any(tag != "O" for tag in row.fields.get("tags") or ())
