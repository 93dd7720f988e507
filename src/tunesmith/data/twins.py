"""Near-duplicate texts: MinHash finds candidates, the exact similarity of character 5-grams decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from tunesmith import doors
from tunesmith.data.checks._rows import normalise as normalise

GRAM = 5
BANDS, BAND_ROWS = 32, 4  # a pair at Jaccard 0.7 shares a band with probability 1 - (1 - 0.7^4)^32 = 0.9998
CHUNK = 4096  # texts whose 5-grams are in memory at a time
LONGEST = 50_000  # characters of a text that are compared: far beyond what a classifier reads
RIVALS = 200  # texts of one bucket that a text is compared with: keeps templated data from costing n²


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


def twins(texts: Sequence[str], threshold: float = 0.7) -> np.ndarray:
    """For each text its cluster of near-duplicates, named by the index of its first text, int64 [n].

    Two texts are near-duplicates when, normalised, the Jaccard similarity of their sets of character 5-grams
    is at least `threshold` (a text shorter than five characters equals only itself); clusters are the
    transitive closure.  MinHash: Broder 1997; banding: Leskovec, Rajaraman, Ullman, "Mining of Massive
    Datasets", chapter 3.
    """
    unique: dict[str, int] = {}
    member = [unique.setdefault(normalise(text)[:LONGEST], len(unique)) for text in texts]
    forest = _join(list(unique), threshold)
    first: dict[int, int] = {}
    roots = [forest.root(number) for number in member]
    return np.array([first.setdefault(root, index) for index, root in enumerate(roots)], dtype=np.int64)


def grams(text: str) -> frozenset[str]:
    """The character 5-grams of a normalised text; of a shorter one, itself."""
    return frozenset(text[i : i + GRAM] for i in range(max(1, len(text) - GRAM + 1)))


def _join(texts: list[str], threshold: float) -> Forest:
    forest = Forest(len(texts))
    grams_of = lru_cache(maxsize=CHUNK)(lambda index: grams(texts[index]))
    if len(texts) < 2:
        return forest
    sizes = np.array([len(text) for text in texts])
    for bucket in _buckets(_sketch(texts)):
        if len({forest.root(index) for index in bucket}) == 1:
            continue
        _join_bucket(sorted(bucket, key=lambda index: (sizes[index], index)), forest, grams_of, threshold)
    return forest


def _join_bucket(
    bucket: list[int], forest: Forest, grams_of: Callable[[int], frozenset[str]], threshold: float
) -> None:
    """Compare the texts of a bucket, shortest first, each with those of like length before it."""
    for position, index in enumerate(bucket):
        for other in reversed(bucket[max(0, position - RIVALS) : position]):
            if forest.root(index) == forest.root(other):
                continue
            mine, theirs = grams_of(index), grams_of(other)
            if min(len(mine), len(theirs)) < threshold * max(len(mine), len(theirs)):
                continue
            shared = len(mine & theirs)
            if shared >= threshold * (len(mine) + len(theirs) - shared):
                forest.join(index, other)


def _sketch(texts: list[str]) -> np.ndarray:
    """MinHash signatures, uint32 [n, BANDS · BAND_ROWS]; with the fixed seed the same on any machine."""
    sketch = doors.open("rensa").RMinHash.digest_matrix_from_token_sets
    width = BANDS * BAND_ROWS
    signatures = np.empty((len(texts), width), dtype=np.uint32)
    for start in range(0, len(texts), CHUNK):
        # rensa takes UTF-8 only; a lone surrogate stands for itself when candidates are verified
        chunk = [text.encode("utf-8", "replace").decode() for text in texts[start : start + CHUNK]]
        sets = [list(grams(text)) for text in chunk]
        matrix = sketch(sets, width, 42)
        signatures[start : start + len(sets)] = matrix.to_rows()
    return signatures


def _buckets(signatures: np.ndarray) -> Iterator[list[int]]:
    """Lists of texts that agree in all rows of a band."""
    for band in range(BANDS):
        part = np.ascontiguousarray(signatures[:, band * BAND_ROWS : (band + 1) * BAND_ROWS])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * BAND_ROWS))).ravel()
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
        for bucket in np.split(order, starts):
            if len(bucket) > 1:
                yield bucket.tolist()
