"""Rows of Arrow record batches as plain JSON values; a row that holds undecodable text is broken."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunesmith.fields import Broken, Record
from tunesmith.findings import Place

if TYPE_CHECKING:
    import pyarrow

_BAD = object()


def batch_rows(
    batch: pyarrow.RecordBatch, source: str, before: int, columns: tuple[str, ...]
) -> Iterator[Record | Broken]:
    """Each row of a batch; its line is its number in the file.  before: how many rows stand in front of the batch.

    Dates become ISO text, decimals numbers, bytes UTF-8 text, numbers that are not finite None.
    """
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
