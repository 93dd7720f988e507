"""Writes rows as a file: JSONL, CSV or Parquet by its suffix, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.errors import UsageError
from tunesmith.store import files

Rows = Sequence[Mapping[str, Any]]
GZIP = 31  # zlib's word for a gzip stream; it has no time in it, so equal rows are equal bytes


def write(path: Path, rows: Rows) -> str:
    """Write rows, whole or not at all; return the SHA-256.  A file that is there is replaced.

    In CSV lists and objects are written as JSON.  Raises UsageError F038 for a suffix that is none of `SUFFIXES`.
    """
    return _writer(path)(path, rows)


def require_suffix(path: Path) -> None:
    """Raise UsageError F038 where `write` could not write such a file."""
    _writer(path)


def _writer(path: Path) -> Callable[[Path, Rows], str]:
    name = path.name.lower()
    for suffix, writer in SUFFIXES.items():
        if name.endswith(suffix) and name != suffix:
            return writer
    raise UsageError(
        "F038",
        f"'{path.name}' is no kind of file that can be written",
        expected=f"a name that ends in one of: {', '.join(SUFFIXES)}",
        fixes=(f"{path.stem or 'data'}.jsonl",),
        where=str(path),
    )


def _jsonl(path: Path, rows: Rows) -> str:
    return files.write(path, _lines(rows))


def _jsonl_gz(path: Path, rows: Rows) -> str:
    return files.write(path, _packed(_lines(rows)))


def _csv(path: Path, rows: Rows) -> str:
    return files.write(path, _cells(rows))


def _csv_gz(path: Path, rows: Rows) -> str:
    return files.write(path, _packed(_cells(rows)))


def _parquet(path: Path, rows: Rows) -> str:
    pyarrow, parquet = doors.open("pyarrow"), doors.open("pyarrow.parquet")
    try:
        table = pyarrow.Table.from_pylist([dict.fromkeys(_columns(rows)) | dict(row) for row in rows])
    except (pyarrow.ArrowException, UnicodeEncodeError):  # a column of mixed kinds: its values as text
        table = pyarrow.Table.from_pylist(
            [{name: _cell(row.get(name)) for name in _columns(rows)} for row in rows]
        )
    return files.write_with(path, lambda temporary: parquet.write_table(table, temporary))


def _conll(path: Path, rows: Rows) -> str:
    if any(not {"tokens", "tags"} <= set(row) for row in rows):
        raise UsageError(
            "F038",
            f"'{path.name}' can only hold words and their tags",
            expected="rows of the form tokens-tags",
            fixes=(f"{path.stem}.jsonl",),
            where=str(path),
        )
    return files.write(path, _sentences(rows))


SUFFIXES: Mapping[str, Callable[[Path, Rows], str]] = {
    ".jsonl": _jsonl,
    ".jsonl.gz": _jsonl_gz,
    ".csv": _csv,
    ".csv.gz": _csv_gz,
    ".parquet": _parquet,
    ".conll": _conll,
}


def _sentences(rows: Rows) -> Iterator[bytes]:
    for row in rows:
        pairs = zip(row["tokens"], row["tags"], strict=True)
        yield "".join(f"{token}\t{tag}\n" for token, tag in pairs).encode("utf-8", "replace") + b"\n"


def _lines(rows: Rows) -> Iterator[bytes]:
    for row in rows:
        try:
            yield json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n"
        except UnicodeEncodeError:  # lone surrogates: UTF-8 can't hold them, the escapes of JSON can
            yield json.dumps(row, default=str).encode() + b"\n"


def _cells(rows: Rows) -> Iterator[bytes]:
    columns, line = _columns(rows), io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for cells in (columns, *([_cell(row.get(name)) for name in columns] for row in rows)):
        writer.writerow(cells)
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()


def _columns(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return (value or "").encode("utf-8", "replace").decode()
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, (list, dict, bool))
        else str(value)
    )


def _packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=GZIP)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
