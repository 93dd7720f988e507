"""Rows on disk that are read again instead of kept in memory: as long a sequence as the disk can hold."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from tunesmith.fields import Record
from tunesmith.findings import Place
from tunesmith.store import files

LARGE = 256_000_000  # bytes of a file (packed as it is) above which its rows are not held in memory
WINDOW = 1 << 20  # bytes that are read at a time when rows are taken in order


class StoredRows(Sequence[Record]):
    """Rows in a file, one JSON line each; eight bytes of memory a row.  Rows come back equal, with keys and places.

    A part of it (`part`) is pickled as its path and offsets, so that a worker reads its own rows.
    """

    def __init__(self, path: Path, offsets: np.ndarray, *, in_order: bool = False) -> None:
        """offsets: int64 [n + 1], where each row begins and the last one ends.  in_order: they are known to be in the
        order of their places, so that no two have the same."""
        self.path, self.offsets, self.in_order = path, offsets, in_order

    @classmethod
    def open(cls, path: Path) -> StoredRows:
        """The rows of a file that was written before, as `line` writes them."""
        offsets = _Offsets()
        with path.open("rb") as file:
            for each in file:
                offsets.add(len(each))
        return cls(path, offsets.array())

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return (
                self._between(start, stop)[::step] if step > 0 else self._between(stop + 1, start + 1)[::step]
            )
        at = range(len(self))[index]
        return self._between(at, at + 1)[0]

    def __iter__(self) -> Iterator[Record]:
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.offsets, self.offsets[start] + WINDOW, side="right")) - 1
            stop = min(max(stop, start + 1), len(self))
            yield from self._between(start, stop)
            start = stop

    def part(self, start: int, stop: int) -> StoredRows:
        """Some rows in a row, on the same disk."""
        return StoredRows(self.path, self.offsets[start : stop + 1])

    def _between(self, start: int, stop: int) -> list[Record]:
        if stop <= start:
            return []
        with self.path.open("rb") as file:
            file.seek(int(self.offsets[start]))
            content = file.read(int(self.offsets[stop] - self.offsets[start]))
        return [row(each) for each in content.splitlines()]


class Rows:
    """Takes rows in and gives them as a sequence: a list, or a file where they are many (`folder` says where).

    The file goes when the sequence does.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._list: list[Record] = []
        self._offsets = _Offsets()
        self._last, self._in_order = ("", 0), True
        self._path = folder / f"rows-{os.getpid()}-{secrets.token_hex(6)}.jsonl" if folder else None
        if folder:
            _sweep(folder)
        self._file = contextlib.ExitStack()
        self._write = self._file.enter_context(files.writing(self._path)) if self._path else None

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *failure: Any) -> None:
        self._file.__exit__(*failure)

    def __len__(self) -> int:
        return len(self._list) or len(self._offsets)

    def add(self, record: Record) -> None:
        """Take in one more row."""
        if self._write is None:
            self._list.append(record)
            return
        written = line(record)
        self._write(written)
        now = (record.place.source, record.place.line)
        self._in_order, self._last = self._in_order and now > self._last, now
        self._offsets.add(len(written))

    def sequence(self) -> Sequence[Record]:
        """The rows, once the block has ended."""
        if self._path is None:
            return self._list
        rows = StoredRows(self._path, self._offsets.array(), in_order=self._in_order)
        weakref.finalize(rows, files.remove, self._path)
        return rows


def _sweep(folder: Path) -> None:
    """Remove what processes that ended suddenly left there: raw rows must not stay behind."""
    for path in [*folder.glob("rows-*.jsonl"), *folder.glob(".rows-*.tmp")]:
        pid = path.name.split("-")[1]
        if pid.isdecimal() and not _alive(int(pid)):
            files.remove(path)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class _Offsets:
    """Where lines end, in blocks of machine integers: a list of Python's would take four times the room."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._open: list[int] = [0]
        self._lines = 0

    def __len__(self) -> int:
        return self._lines

    def add(self, size: int) -> None:
        self._lines += 1
        self._open.append((self._open[-1] if self._open else int(self._blocks[-1][-1])) + size)
        if len(self._open) == 100_000:
            self._blocks.append(np.array(self._open, dtype=np.int64))
            self._open = []

    def array(self) -> np.ndarray:
        return np.concatenate([*self._blocks, np.array(self._open, dtype=np.int64)])


def line(record: Record) -> bytes:
    """A row as a line of JSON.  ASCII escapes: lone surrogates come through, and no line holds a line end of its own; a
    date becomes its text, as in the row's key."""
    value = {"fields": dict(record.fields), "key": record.key, "place": record.place.to_json()}
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str).encode() + b"\n"


def row(written: bytes) -> Record:
    """The inverse of `line`."""
    value = json.loads(written)
    return Record(value["fields"], Place(*value["place"]), value["key"])
