"""What the checks across given sides share: which marks (clusters, group values) stand on which side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from tunesmith.findings import Place
from tunesmith.parts import Case

SIDES = ("train", "validation", "test")  # a row leaves for one on a side further to the right

State = dict[Hashable, dict[str, list[Place]]]


def add(state: State, mark: Hashable, side: str, place: Place) -> None:
    """Note one row."""
    state.setdefault(mark, {}).setdefault(side, []).append(place)


def merged(first: State, second: State) -> State:
    """The state as if the rows of second came after those of first."""
    for mark, sides in second.items():
        mine = first.setdefault(mark, {})
        for side, places in sides.items():
            mine[side] = mine.get(side, []) + places
    return first


def shared(state: State) -> list[dict[str, list[Place]]]:
    """Of marks that stand on two sides or more: the rows of each side, the side that stays first."""
    return [
        {side: sides[side] for side in reversed(SIDES) if side in sides}
        for sides in state.values()
        if len(sides.keys() & set(SIDES)) > 1
    ]


def leaking(found: Iterable[dict[str, list[Place]]]) -> list[Place]:
    """The rows that would have to leave: all but those on the side furthest from training."""
    return [place for sides in found for side in list(sides)[1:] for place in sides[side]]


def sided(*rows: tuple[dict[str, Any], str], **evidence: Any) -> Case:
    """A case of labelled rows (fields, side), with the evidence 'sides'."""
    import numpy as np

    from tunesmith.data.checks._rows import planted
    from tunesmith.data.contents.labelled import Labelled

    sides = np.array([side for _, side in rows], dtype=np.str_)
    return planted(Labelled(), *(fields for fields, _ in rows), sides=sides, **evidence)
