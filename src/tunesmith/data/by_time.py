"""Divide rows by time: the latest are the test, those before them choose, and no row to train on is later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tunesmith.data.checks._rows import key_of, plural
from tunesmith.data.groups import group_ids, marks
from tunesmith.data.leaks import bridging
from tunesmith.data.sides import SIDES
from tunesmith.data.splits import Split
from tunesmith.errors import DataError
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs.moments import moment
from tunesmith.parts import Content
from tunesmith.recipe import sections


def split_by_time(
    records: Sequence[Record],
    content: Content,
    rule: sections.Split,
    *,
    clusters: np.ndarray | None = None,
    version: str = "",
) -> Split:
    """Divide rows by their field `time`: shares of rows as the rule says, rows of one time together.

    Of a group (near-duplicates, equal group values) that stands on both sides of a cut, the rows before it enter no
    side (finding D106): so nothing leaks, and every side is later than the one before.  Raises DataError F035 for a
    time that can't be read, F036 where too few different times leave a side empty.
    """
    known = marks(records, content, clusters)
    groups = group_ids(known, len(records))
    times = np.array([_moment(row) for row in records], dtype=np.float64)
    latest = np.full(len(records), -np.inf)
    np.maximum.at(latest, groups, times)
    own, last = _sides(times, times, rule), _sides(latest[groups], times, rule)
    sides = [side if side == goal else "" for side, goal in zip(own, last, strict=True)]
    _require(sides, rule, records)
    pinned = {key_of(row): side for row, side in zip(records, sides, strict=True) if side}
    texts = {text: side for text, side in zip(known.texts, sides, strict=False) if side}
    return Split(
        *(np.flatnonzero(np.array(sides) == side).astype(np.int64) for side in SIDES),
        groups=groups,
        sides=pinned,
        texts=texts,
        rule=rule.model_dump(),
        findings=tuple(_told(finding) for finding in bridging(records, sides)),
        version=version,
    )


def _told(finding: Finding) -> Finding:
    rows = plural(finding.count, "row")
    return replace(finding, message=f"{rows} whose twins or group stand behind a cut, entering no side")


def _moment(row: Record) -> float:
    value = row.fields.get("time")
    found = moment(value)
    if found is None:
        raise DataError(
            "F035",
            f"{str(value)[:40]!r} is no time",
            expected="a number, or a date and time as ISO 8601 writes it: 2026-11-20T16:15",
            fixes=("write the column as 2026-11-20 or 2026-11-20T16:15:00",),
            where=str(row.place),
        )
    return found


def _sides(when: np.ndarray, times: np.ndarray, rule: sections.Split) -> list[str]:
    """The side of each moment; the cuts leave their share of `times` behind them, equal times together."""
    ordered = np.sort(times)
    held_out = ordered[_cut(len(ordered), rule.validation + rule.test)]
    test = ordered[_cut(len(ordered), rule.test)] if rule.test else np.inf
    names = np.where(when >= test, "test", np.where(when >= held_out, "validation", "train"))
    return names.tolist()


def _cut(count: int, share: float) -> int:
    return min(count - 1, count - round(count * share))


def _require(sides: Sequence[str], rule: sections.Split, records: Sequence[Record]) -> None:
    wanted = {"train": 1.0, "validation": rule.validation, "test": rule.test}
    empty = [side for side, share in wanted.items() if share and side not in sides]
    if empty:
        raise DataError(
            "F036",
            f"the times of {len(records):,} rows can't be cut: no row would be in {' and '.join(empty)}",
            expected="different times, and few twins across them",
            fixes=("leave out --by-time", "choose other shares: --validation 0.2 --test 0.2"),
            where=str(records[0].place) if records else "",
        )
