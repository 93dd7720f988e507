"""Parquet files, in batches; a row that holds undecodable text is broken, a damaged file is refused."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.streams import damaged, denied
from tunesmith.parts import Dialect, Reader

if TYPE_CHECKING:
    import pyarrow

_BATCH = 1024


class Parquet(Reader):
    """A place's line is the row number, from 1.  Dates become ISO text, decimals numbers, bytes UTF-8 text.

    Page checksums are verified where the file has them; the format does not demand them.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (damaged), F006 (not readable), F007 (no columns, or two of one name)."""
        with _opened(path) as file:
            names = tuple(file.schema_arrow.names)
            if not names or len(set(names)) < len(names):
                raise _no_table(path, names)
            return Dialect(names, {"rows": file.metadata.num_rows})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 where the file is damaged."""
        number = 0
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield from _rows(batch, str(path), number, dialect.columns)
                number += batch.num_rows
        if number != dialect.details.get("rows", number):
            raise damaged(path, f"it holds {number} rows and promises {dialect.details['rows']}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError) as damage:
        raise damaged(path, str(damage).partition("\n")[0][:200]) from None


def _rows(
    batch: pyarrow.RecordBatch, source: str, before: int, columns: tuple[str, ...]
) -> Iterator[Record | Broken]:
    values = [_values(column) for column in batch.columns]
    for k in range(batch.num_rows):
        place = Place(source, before + k + 1)
        row = [column[k] for column in values]
        bad = [name for name, value in zip(columns, row, strict=True) if value is _BAD]
        if bad:
            reason = f"the text of '{bad[0]}' is not UTF-8"
            yield Broken(place, reason, "write the row again, from text", _raw(columns, row))
        else:
            yield Record(dict(zip(columns, row, strict=True)), place)


_BAD = object()


def _values(column: pyarrow.Array) -> list[Any]:
    storage = getattr(column, "storage", column)  # extension types are read as what they are stored in
    try:
        found = storage.to_pylist()
    except (UnicodeDecodeError, ValueError, OverflowError):
        found = [_one(storage, k) for k in range(len(storage))]
    return [_plain(value) for value in found]


def _one(column: pyarrow.Array, index: int) -> Any:
    try:
        return column[index].as_py()
    except (UnicodeDecodeError, ValueError, OverflowError):
        return _BAD


def _plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if value is None or value is _BAD or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return _BAD
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else str(value)


def _raw(columns: tuple[str, ...], row: list[Any]) -> str:
    said = (f"{name}={'?' if value is _BAD else value}" for name, value in zip(columns, row, strict=True))
    return ", ".join(said)[:200]


def _no_table(path: Path, names: tuple[str, ...]) -> DataError:
    twice = next((name for name in names if names.count(name) > 1), "")
    return DataError(
        "F007",
        f"{path.name} has two columns named '{twice}'" if twice else f"{path.name} has no columns",
        expected="columns with different names",
        fixes=("write the file again with other column names",),
        where=str(path),
    )
