"""Joins candidates into clusters: sketches sift them, the exact similarity of their texts decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from tunesmith.data import grams
from tunesmith.data.checks._alike import LONGEST, RIVALS, few_edits
from tunesmith.data.checks._rows import normalise

KEPT = 64  # of these, how many lend a byte to the sketch that candidates are sifted by
SLACK = 0.25  # how far a sketch may err: four standard deviations of an estimate from 64 values
SHORT_LEAST = KEPT * 0.3  # agreeing values of two sketches from which edits are counted
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
        for step in range(1, RIVALS + 1):
            same = np.flatnonzero(keys[step:] == keys[:-step])
            if not len(same):
                return
            self._compare(members[same], members[same + step])
            if step.bit_count() == 1:
                open_ = self._open(members, keys)
                members, keys = members[open_], keys[open_]

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
            alike = (self.sketches[one] == self.sketches[other]).sum(1) >= self.least
            for pair in zip(one[alike].tolist(), other[alike].tolist(), strict=True):
                self._decide(min(pair), max(pair))

    def _decide(self, first: int, second: int) -> None:
        pair, forest = first << 32 | second, self.forest
        if pair in self.refused or (mine := forest.root(first)) == (theirs := forest.root(second)):
            return
        if self._alike(first, second):
            forest.join(mine, theirs)
            self.parent[max(mine, theirs)] = min(mine, theirs)
        else:
            self.refused.add(pair)

    def _alike(self, first: int, second: int) -> bool:
        if self.edited == 1:
            return similar(self.grams(first), self.grams(second), self.threshold)
        return few_edits(self.forms(first), self.forms(second), self.edited)


def similar(first: np.ndarray, second: np.ndarray, threshold: float) -> bool:
    """Whether the Jaccard similarity of two sets (ascending, without repeats) is at least the threshold."""
    if min(len(first), len(second)) < threshold * max(len(first), len(second)):
        return False
    both = np.concatenate((first, second))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared >= threshold * (len(both) - shared)


def _repeated(members: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The members whose key occurs more than once, and a few others."""
    ordered, low = np.sort(keys), np.uint32(max(0, 28 - len(keys).bit_length()))
    marks = np.zeros(1 << (32 - int(low)), dtype=bool)
    marks[ordered[1:][ordered[1:] == ordered[:-1]] >> low] = True
    kept = marks[keys >> low]
    return members[kept], keys[kept]
