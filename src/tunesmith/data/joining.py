"""Joins candidates into clusters: sketches sift them, the exact similarity of their texts decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from tunesmith.data import grams
from tunesmith.data.checks._alike import LONGEST, RIVALS, few_edits
from tunesmith.data.checks._rows import normalise

KEPT = 64  # of these, how many lend a byte to the sketch that candidates are sifted by
SLACK = 0.25  # how far a sketch may err: four standard deviations of an estimate from 64 values
SHORT_LEAST = KEPT * 0.3  # agreeing values of two sketches from which edits are counted
BLOCK = 1 << 20  # numbers in a table of pairs that are compared at once: 8 MB
PAIRS = 1 << 16
NONE = np.uint64(2**64 - 1)  # no gram
Texts = Callable[[Sequence[int]], Sequence[str]]


class Forest:
    """Disjoint sets of 0 … n-1; the smallest member stands for a set, whatever the order of joins."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def root(self, member: int) -> int:
        """The smallest member of the set."""
        parent = self.parent
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def join(self, first: int, second: int) -> None:
        """Make one set of two."""
        first, second = self.root(first), self.root(second)
        self.parent[max(first, second)] = min(first, second)

    def roots(self) -> np.ndarray:
        """The root of every member."""
        return np.array([self.root(member) for member in range(len(self.parent))], dtype=np.int64)


class Joining:
    """The clusters so far, the pairs that turned out not to be alike, and the grams of texts compared lately."""

    def __init__(
        self, size: int, sketches: np.ndarray, lengths: np.ndarray, texts: Texts, threshold: float
    ) -> None:
        self.forest, self.parent = Forest(size), np.arange(size)
        self.sketches, self.lengths = sketches, lengths
        self.refused: set[int] = set()
        self.threshold = threshold
        self.least, self.edited = KEPT * (threshold - SLACK), 1.0
        self.forms = lru_cache(maxsize=4096)(lambda index: normalise(texts([index])[0])[:LONGEST])
        self.grams = lru_cache(maxsize=4096)(lambda index: grams.unique(self.forms(index)))

    def count_edits(self, least: float = SHORT_LEAST) -> None:
        """From now on decide by the share of characters that are edited.  least: agreeing values of two sketches."""
        self.refused.clear()
        self.least, self.edited = least, (1 - self.threshold) / 3

    def band(self, members: np.ndarray, keys: np.ndarray) -> None:
        """Compare the texts of each bucket, ordered by length, each with those before it, nearest first."""
        members, keys = _repeated(members, keys)
        order = np.lexsort((members, self.lengths[members], keys))
        members, keys = members[order], keys[order]
        step = 1
        while step <= RIVALS and len(members):
            for first, second in _apart(members, keys, range(step, min(2 * step, RIVALS + 1))):
                self._compare(first, second)
            open_ = self._open(members, keys)
            members, keys, step = members[open_], keys[open_], 2 * step

    def _open(self, members: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Which members are in buckets that are not one cluster yet."""
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        counts = np.diff(np.append(starts, len(keys)))
        roots = self._roots(members)
        one = np.minimum.reduceat(roots, starts) == np.maximum.reduceat(roots, starts)
        return np.repeat(~one, counts)

    def _roots(self, members: np.ndarray) -> np.ndarray:
        above = self.parent[members]
        while not np.array_equal(above, members):
            members, above = above, self.parent[above]
        return above

    def _compare(self, first: np.ndarray, second: np.ndarray) -> None:
        apart = self._roots(first) != self._roots(second)
        first, second = first[apart], second[apart]
        for start in range(0, len(first), 1 << 16):
            one, other = first[start : start + (1 << 16)], second[start : start + (1 << 16)]
            sizes = self.lengths[one], self.lengths[other]
            near = abs(sizes[0] - sizes[1]) <= self.edited * np.maximum(*sizes)
            one, other = one[near], other[near]
            likely = (self.sketches[one] == self.sketches[other]).sum(1) >= self.least
            one, other = one[likely], other[likely]
            alike = self._alike(np.minimum(one, other), np.maximum(one, other))
            self._join(one[alike].tolist(), other[alike].tolist())

    def _join(self, first: list[int], second: list[int]) -> None:
        for one, other in zip(first, second, strict=True):
            mine, theirs = self.forest.root(one), self.forest.root(other)
            self.forest.join(mine, theirs)
            self.parent[max(mine, theirs)] = min(mine, theirs)

    def _alike(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        if self.edited < 1:
            return np.array(
                [self._edited(*pair) for pair in zip(one.tolist(), other.tolist(), strict=True)], bool
            )
        alike, longest = np.zeros(len(one), bool), np.maximum(self.lengths[one], self.lengths[other])
        for rows in _of_a_size(longest):
            members, places = np.unique(np.concatenate([one[rows], other[rows]]), return_inverse=True)
            table = _table([self.grams(member) for member in members.tolist()])
            alike[rows] = similar(table, places[: len(rows)], places[len(rows) :], self.threshold)
        return alike

    def _edited(self, one: int, other: int) -> bool:
        pair = one << 32 | other
        if pair in self.refused or not few_edits(self.forms(one), self.forms(other), self.edited):
            self.refused.add(pair)
            return False
        return True


def similar(table: np.ndarray, first: np.ndarray, second: np.ndarray, threshold: float) -> np.ndarray:
    """Whether the Jaccard similarity of each two sets is at least the threshold, bool [n].

    table: the sets, a row each, uint64, filled up with NONE.  first, second: rows of the table [n].
    """
    both = np.concatenate([table[first], table[second]], axis=1)
    both.sort(axis=1)
    shared = ((both[:, 1:] == both[:, :-1]) & (both[:, 1:] != NONE)).sum(axis=1)
    sizes = (table != NONE).sum(axis=1)
    return shared >= threshold * (sizes[first] + sizes[second] - shared)


def _table(sets: Sequence[np.ndarray]) -> np.ndarray:
    sizes = np.array([len(each) for each in sets])
    table = np.full((len(sets), int(sizes.max())), NONE)
    table[np.arange(table.shape[1]) < sizes[:, None]] = np.concatenate(sets)
    return table


def _of_a_size(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Places of pairs whose lengths differ by less than twice, as many as a table of BLOCK numbers holds."""
    order = np.argsort(lengths, kind="stable")
    while len(order):
        least = int(lengths[order[0]]) + 1
        alike = int(np.searchsorted(lengths[order], 2 * least, "right"))
        count = min(max(1, BLOCK // (4 * least)), alike)
        yield order[:count]
        order = order[count:]


def _apart(members: np.ndarray, keys: np.ndarray, steps: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of members of one bucket that stand so many places apart, about PAIRS at a time."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for step in steps:
        same = np.flatnonzero(keys[step:] == keys[:-step])
        found.append((members[same], members[same + step]))
        if step == steps[-1] or sum(len(first) for first, _ in found) >= PAIRS:
            yield np.concatenate([first for first, _ in found]), np.concatenate([last for _, last in found])
            found = []


def _repeated(members: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The members whose key occurs more than once, and a few others."""
    ordered, low = np.sort(keys), np.uint32(max(0, 28 - len(keys).bit_length()))
    marks = np.zeros(1 << (32 - int(low)), dtype=bool)
    marks[ordered[1:][ordered[1:] == ordered[:-1]] >> low] = True
    kept = marks[keys >> low]
    return members[kept], keys[kept]
