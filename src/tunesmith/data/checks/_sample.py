"""A sample of rows that does not depend on their order: those with the smallest content hashes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any


class Sample:
    """At most `size` rows; of equal rows one.  What is kept of a row is worked out for rows of the sample only.

    Samples of parts, joined, are the sample of the whole.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._keys: list[tuple[int, str]] = []  # a heap, the largest hash first
        self._kept: dict[str, Any] = {}

    def wants(self, key: str) -> bool:
        """Whether a row with this content hash (hex) belongs to the sample, as far as it is known."""
        if key in self._kept:
            return False
        return len(self._keys) < self.size or -int(key[:15], 16) > self._keys[0][0]

    def add(self, key: str, value: Any) -> None:
        """Keep what a row says, if the sample wants it."""
        if not self.wants(key):
            return
        self._kept[key] = value
        heapq.heappush(self._keys, (-int(key[:15], 16), key))
        if len(self._keys) > self.size:
            del self._kept[heapq.heappop(self._keys)[1]]

    def joined(self, other: Sample) -> Sample:
        """The sample of the rows of both."""
        merged = Sample(self.size)
        for each in (self, other):
            for key, value in each._kept.items():
                merged.add(key, value)
        return merged

    def __iter__(self) -> Iterator[Any]:
        return (self._kept[key] for key in sorted(self._kept))

    def __len__(self) -> int:
        return len(self._kept)
