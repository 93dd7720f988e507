"""The rule that gives a group its side: the hash of its key, a pin of an ancestor, or its class's top-up."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tunesmith.data.checks._across import SIDES
from tunesmith.data.checks._across import side_of as side_of

ALL = ""  # stands for all rows as if they were one class, so that no side that is wanted stays empty
FEWEST = 3  # groups of a class from which it must be on every side
_SALT = b"tunesmith split 1\n"

Shares = Mapping[str, float]  # of test and validation; the rest is train


@dataclass(frozen=True)
class Unit:
    """Rows that stay together.  key: what is hashed.  pinned: an ancestor decided, so nothing may move it.

    side: one of SIDES, or '' for rows that bridge two pinned sides and enter none.
    """

    rows: tuple[int, ...]
    key: str
    labels: frozenset[str]
    side: str = ""
    pinned: bool = False


@dataclass(frozen=True)
class Move:
    """A unit that the top-up moved for the sake of a class (`ALL`: of a side that had no rows)."""

    unit: Unit
    label: str
    goal: str


def position(key: str) -> float:
    """Where a group stands in [0, 1): a hash of its key and nothing else."""
    return int.from_bytes(hashlib.sha256(_SALT + key.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64


def assign(units: Sequence[Unit], shares: Shares) -> list[Unit]:
    """Give every unit that is not pinned the side in whose interval it stands: test first, validation, then
    train."""
    return [
        unit if unit.pinned else replace(unit, side=side_at(position(unit.key), shares)) for unit in units
    ]


@dataclass(frozen=True)
class Beside:
    """Groups that are not listed as units: of each class how many there are, and how many on each side."""

    groups: Mapping[str, int]
    count: Mapping[tuple[str, str], int]


def top_up(
    units: Sequence[Unit], shares: Shares, beside: Beside | None = None
) -> tuple[list[Unit], list[Move]]:
    """Move the fewest units that give each class of three groups or more a place on every side.

    A class needs one group in train and, in validation and test, two, or one where its share is less than two
    groups. Rarest class first; of the groups that may move (not pinned, and no class falls short on the side
    they leave) the one that stands nearest to the goal's interval moves, from train if train has one to
    spare.  beside: other groups, which stay where they are.
    """
    counter = _Places(units, shares, beside)
    moves = []
    for label in sorted(counter.of, key=lambda name: (name == ALL, counter.groups[name], name)):
        for side in SIDES:
            while counter.short(label, side):
                index = counter.donor(label, side)
                if index is None:
                    break
                moves.append(Move(counter.units[index], label, side))
                counter.move(index, side)
    return counter.units, moves


def short_of(counted: Beside, shares: Shares) -> list[str]:
    """The classes that lack a group on some side, where the groups are as they are counted."""
    places = _Places((), shares, counted)
    return [label for label in counted.groups if any(places.short(label, side) for side in SIDES)]


class _Places:
    """How many groups each class has on each side, while they move."""

    def __init__(self, units: Sequence[Unit], shares: Shares, beside: Beside | None = None) -> None:
        self.units, self.intervals, self.shares = list(units), _intervals(shares), shares
        self.of: dict[str, list[int]] = defaultdict(list)
        self.groups: Counter[str] = Counter(beside.groups if beside else {})
        self.count: Counter[tuple[str, str]] = Counter(beside.count if beside else {})
        for index, unit in enumerate(units):
            for label in (*sorted(unit.labels), ALL) if unit.side else ():
                self.of[label].append(index)
                self.groups[label] += 1
                self.count[label, unit.side] += 1

    def need(self, label: str, side: str) -> int:
        groups = self.groups[label]
        if groups < FEWEST:
            return 0
        if side == "train":
            return 1
        share = self.shares[side]
        return 0 if share == 0 else max(1, min(2, int(share * groups)))

    def short(self, label: str, side: str) -> bool:
        return self.count[label, side] < self.need(label, side)

    def donor(self, label: str, goal: str) -> int | None:
        low, high = self.intervals[goal]

        def rank(index: int) -> tuple[bool, float, str]:
            unit = self.units[index]
            at = position(unit.key)
            return unit.side != "train", max(low - at, at - high, 0.0), unit.key

        return min((i for i in self.of[label] if self._may_leave(i, label, goal)), key=rank, default=None)

    def _may_leave(self, index: int, label: str, goal: str) -> bool:
        unit = self.units[index]
        if unit.pinned or unit.side == goal:
            return False
        return all(self.count[each, unit.side] > self.need(each, unit.side) for each in {*unit.labels, label})

    def move(self, index: int, goal: str) -> None:
        unit = self.units[index]
        for label in (*unit.labels, ALL):
            self.count[label, unit.side] -= 1
            self.count[label, goal] += 1
        self.units[index] = replace(unit, side=goal)


def _intervals(shares: Shares) -> dict[str, tuple[float, float]]:
    test, held_out = shares["test"], shares["test"] + shares["validation"]
    return {"test": (0.0, test), "validation": (test, held_out), "train": (held_out, 1.0)}


def side_at(at: float, shares: Shares) -> str:
    """The side whose interval holds a position."""
    return next(
        side for side, (low, high) in _intervals(shares).items() if low <= at < high or side == "train"
    )
