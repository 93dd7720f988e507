"""How many edits make one short text of another."""

from __future__ import annotations


def distance(first: str, second: str) -> int:
    """The Levenshtein distance: characters replaced, left out or added.

    Bit-parallel, one step per character of `second` (Myers 1999, in the form of Hyyrö 2003); integers are as wide as
    `first` is long.
    """
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for at, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << at
    mask, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    up, down, edits = mask, 0, len(first)
    for character in second:
        same = places.get(character, 0)
        straight = (((same & up) + up) ^ up) | same | down
        more, fewer = down | ~(straight | up) & mask, up & straight
        edits += bool(more & last) - bool(fewer & last)
        more, fewer = (more << 1 | 1) & mask, fewer << 1 & mask
        up, down = fewer | ~(straight | more) & mask, more & straight
    return edits
