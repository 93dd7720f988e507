"""What the checks across given sides share: which marks (clusters, group values) stand on which side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from tunesmith.findings import Place
from tunesmith.parts import Case

SIDES = ("train", "validation", "test")  # a row leaves for one on a side further to the right

_SAID = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}

Noted = TypeVar("Noted")  # what is kept of a row
State = dict[Hashable, dict[str, list[Noted]]]


def side_of(word: str) -> str:
    """The side that a word in a file or a path means ('val' is validation), or ''."""
    return _SAID.get(word.strip().lower(), "")


def add(state: State[Noted], mark: Hashable, side: str, row: Noted) -> None:
    """Note one row."""
    state.setdefault(mark, {}).setdefault(side, []).append(row)


def merged(first: State[Noted], second: State[Noted]) -> State[Noted]:
    """The state as if the rows of second came after those of first."""
    for mark, sides in second.items():
        mine = first.setdefault(mark, {})
        for side, rows in sides.items():
            mine[side] = mine.get(side, []) + rows
    return first


def shared(state: State[Noted]) -> list[dict[str, list[Noted]]]:
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
