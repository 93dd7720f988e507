"""Divide rows into train, validation and test: nothing leaks, and a row's side outlives what is added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.data import given_sides, offspring
from tunesmith.data.checks._rows import key_of, label_of, plural
from tunesmith.data.enlarging import is_made
from tunesmith.data.groups import Marks, group_ids, group_key, marks
from tunesmith.data.leaks import across, bridging, near_test
from tunesmith.data.sides import SIDES, Move, Shares, Unit, assign, top_up
from tunesmith.data.splits import Split
from tunesmith.data.splits import load_split as load_split
from tunesmith.data.twins import twins
from tunesmith.errors import DataError, UsageError
from tunesmith.fields import Record
from tunesmith.parts import Content
from tunesmith.recipe import sections


def split(
    records: Sequence[Record],
    content: Content,
    rule: sections.Split,
    *,
    clusters: np.ndarray | None = None,
    parent: Split | None = None,
    test_records: Sequence[Record] | None = None,
    version: str = "",
) -> Split:
    """Divide rows by the hash of their group's key alone, then top up small classes (`sides.top_up`).

    A group is joined by near-duplicate texts and by equal values of the group field.  Rows that
    `parent` knows keep their side, and new ones of their group follow them; new rows of a group with two
    pinned sides enter none (finding D106).  Rows that say their side (field `split`) stay there, whatever is near
    them (finding D109); a side that no row names is cut from those for training.
    test_records: the rows of a test file; then the rest is divided into train and validation only.
    clusters: `twins` of the texts of the rows and then of the test file's rows; computed when not given.
    version: digest of the dataset version.  Raises DataError S602 where there are too few groups to hold any
    out, UsageError S603 where no row is left to train, ValueError where clusters don't fit the rows.
    Rows that were made from others (`enlarging`) play no part: they follow their parents into training (`offspring`).
    """
    if not any(map(is_made, records)):
        return _divided(records, content, rule, clusters, parent, test_records, version)
    held_out = list(test_records or ())
    texts = [content.text(row) for row in (*records, *held_out)]
    return offspring.beside(
        records,
        held_out,
        twins(texts) if clusters is None else clusters,
        lambda real, near: _divided(real, content, rule, near, parent, test_records, version),
    )


def _divided(
    records: Sequence[Record],
    content: Content,
    rule: sections.Split,
    clusters: np.ndarray | None,
    parent: Split | None,
    test_records: Sequence[Record] | None,
    version: str,
) -> Split:
    external = test_records is not None
    held_out = list(test_records or ())
    known = marks([*records, *held_out], content, clusters)
    said = given_sides.said(records)
    shares = given_sides.left_to_cut(_shares(rule, external), said)
    pins = [
        given_sides.pin(side, _pin(parent, key_of(row), text), shares)
        for row, side, text in zip(records, said, known.texts, strict=False)
    ]
    units = assign(_units(records, content, known, pins), shares)
    if parent is None:
        _require_groups(units, shares)
    units, moved = top_up(units, shares)
    sides = _row_sides(units, len(records))
    return Split(
        *(np.array([i for i, side in enumerate(sides) if side == name], dtype=np.int64) for name in SIDES),
        groups=group_ids(known, len(known.texts)),
        **_pinned(parent, [*records, *held_out], known, [*sides, *["test"] * len(held_out)]),
        rule=rule.model_dump(),
        moved=tuple(_moved(move, records) for move in moved),
        findings=(
            *bridging(records, sides),
            *near_test(records, sides, known),
            *across(records, said, content, known),
        ),
        external=external,
        version=version,
        parent=parent.digest if parent else "",
    )


def _shares(rule: sections.Split, external: bool) -> Shares:
    shares = {"test": 0.0 if external else rule.test, "validation": rule.validation}
    if sum(shares.values()) >= 1:
        raise UsageError(
            "S603",
            f"validation {rule.validation} and test {rule.test} leave no row to train on",
            expected="shares that add up to less than 1",
            fixes=("--set data.split.validation=0.15 --set data.split.test=0.15",),
            where="data.split",
        )
    return shares


def _pin(parent: Split | None, key: str, text: str) -> str:
    return (parent.sides.get(key) or parent.texts.get(text, "")) if parent else ""


def _units(records: Sequence[Record], content: Content, known: Marks, pins: Sequence[str]) -> list[Unit]:
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(group_ids(known, len(records)).tolist()):
        members[group].append(index)
    labels = [label_of(row, {"content": content}) for row in records]
    units = []
    for indices in members.values():
        key, pinned = group_key(known, indices), {pins[index] for index in indices if pins[index]}
        parts = {"": indices} if len(pinned) < 2 else _by_pin(indices, pins)
        for side, rows in parts.items():
            held = frozenset(label for row in rows if (label := labels[row]) is not None)
            side = side or min(pinned, default="") * (len(pinned) == 1)
            free = side == given_sides.REST or not pinned
            units.append(Unit(tuple(rows), key, held, "" if free else side, not free))
    return units


def _row_sides(units: Sequence[Unit], count: int) -> list[str]:
    sides = [""] * count
    for unit in units:
        for index in unit.rows:
            sides[index] = unit.side
    return sides


def _by_pin(indices: Sequence[int], pins: Sequence[str]) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = defaultdict(list)
    for index in indices:
        parts[pins[index]].append(index)
    return parts


def _require_groups(units: Sequence[Unit], shares: Shares) -> None:
    needed = 1 + sum(share > 0 for share in shares.values())
    if len(units) >= needed:
        return
    rows = sum(len(unit.rows) for unit in units)
    raise DataError(
        "S602",
        f"{plural(rows, 'row')} in {plural(len(units), 'group')} can't be divided into {needed} sides",
        expected=f"at least {needed} groups; near-duplicates and rows with one group value are one group",
        fixes=("add rows to the file", "tunesmith up FILE --group COLUMN   (a column with more values)"),
    )


def _pinned(
    parent: Split | None, rows: Sequence[Record], known: Marks, sides: Sequence[str]
) -> dict[str, Any]:
    """The pins for children; of a row that is in the data and in the test file, the data's side counts."""
    keys, texts = {}, {}
    for row, text, side in zip(rows, known.texts, sides, strict=True):
        if side:
            keys.setdefault(key_of(row), side)
            texts.setdefault(text, side)
    if parent:
        keys, texts = {**parent.sides, **keys}, {**parent.texts, **texts}
    return {"sides": keys, "texts": texts}


def _moved(move: Move, records: Sequence[Record]) -> dict[str, Any]:
    rows = [records[index].place.id for index in move.unit.rows]
    return {"label": move.label, "from": move.unit.side, "to": move.goal, "rows": rows}
