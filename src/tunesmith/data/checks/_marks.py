"""Two numbers and a place for each of many rows, 40 bytes a row: which rows are equal is asked at the end."""

from __future__ import annotations

from array import array

import numpy as np

from tunesmith.findings import Place


class Marks:
    """first, second: the numbers (0 … 2^64 - 1) of the rows, in the order in which they came."""

    def __init__(self) -> None:
        self._numbers = (array("Q"), array("Q"))
        self._places = (array("L"), array("q"), array("q"))
        self._sources: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._numbers[0])

    def add(self, first: int, second: int, place: Place) -> None:
        """Note one row."""
        self._numbers[0].append(first)
        self._numbers[1].append(second)
        file = (place.source, place.name)
        self._places[0].append(self._sources.setdefault(file, len(self._sources)))
        self._places[1].append(place.line)
        self._places[2].append(place.byte)

    def joined(self, other: Marks) -> Marks:
        """These rows and then the other's."""
        for index in range(len(other)):
            self.add(other._numbers[0][index], other._numbers[1][index], other.place(index))
        return self

    def place(self, index: int) -> Place:
        """Where a row came from."""
        source, line, byte = (column[index] for column in self._places)
        file, name = list(self._sources)[source]
        return Place(file, line, byte, name)

    def firsts(self) -> np.ndarray:
        """The rows before which no equal one came, ascending, int64."""
        one, two = (np.frombuffer(column, dtype=np.uint64) for column in self._numbers)
        order = np.lexsort((np.arange(len(one)), two, one))
        same = (one[order[1:]] == one[order[:-1]]) & (two[order[1:]] == two[order[:-1]])
        return np.sort(order[np.concatenate((np.ones(min(1, len(one)), bool), ~same))])

    def first_numbers(self, rows: np.ndarray) -> np.ndarray:
        """The first number of some rows, uint64."""
        return np.frombuffer(self._numbers[0], dtype=np.uint64)[rows]
