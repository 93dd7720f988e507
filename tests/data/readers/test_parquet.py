"""Parquet: rows by number, broken text, damaged files."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunesmith.data.readers.parquet import Parquet
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record


def read(path: Path) -> list[Record | Broken]:
    return list(Parquet().read(path, Parquet().sniff(path)))


def test_values_become_what_json_knows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({
        "s": ["é\u2028", None],
        "d": [datetime.date(2024, 1, 2), None],
        "t": [datetime.datetime(2024, 1, 2, 3, 4), None],
        "n": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2")], pa.decimal128(5, 2)),
        "f": [float("nan"), 1.5],
        "b": [b"bytes", "é".encode()],
        "l": [["a", "b"], []],
        "k": pa.array(["x", "y"]).dictionary_encode(),
        "m": [{"a": datetime.date(2024, 1, 2)}, None],
    })  # fmt: skip
    pq.write_table(table, path)
    assert Parquet().sniff(path).details["rows"] == 2
    first, second = (row.fields for row in read(path) if isinstance(row, Record))
    assert first == {
        "s": "é\u2028",
        "d": "2024-01-02",
        "t": "2024-01-02T03:04:00",
        "n": 1.5,
        "f": None,
        "b": "bytes",
        "l": ["a", "b"],
        "k": "x",
        "m": {"a": "2024-01-02"},
    }
    assert second["n"] == 2
    assert second["b"] == "é"


def test_rows_are_numbered_across_batches_and_groups(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": [f"row {k}" for k in range(5000)]}), path, row_group_size=700)
    rows = read(path)
    assert [row.place.line for row in rows] == list(range(1, 5001))
    assert [row.fields["text"] for row in rows if isinstance(row, Record)] == [
        f"row {k}" for k in range(5000)
    ]


def test_undecodable_text_breaks_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    texts = pa.Array.from_buffers(
        pa.utf8(), 3, pa.array([b"good", b"caf\xe9", b"fine"], pa.binary()).buffers()
    )
    pq.write_table(pa.table({"text": texts, "raw": pa.array([b"a", b"b", b"\xff"])}), path)
    rows = read(path)
    assert [type(row) for row in rows] == [Record, Broken, Broken]
    assert [row.place.line for row in rows] == [1, 2, 3]
    assert [row.reason for row in rows if isinstance(row, Broken)] == [
        "the text of 'text' is not UTF-8",
        "the text of 'raw' is not UTF-8",
    ]


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"text,label\n", b""])
def test_what_is_no_parquet_is_one_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError) as refusal:
        read(path)
    assert refusal.value.code == "F004"
    assert "t.parquet" in refusal.value.found


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["x", "x"]), path)
    with pytest.raises(DataError) as refusal:
        read(path)
    assert refusal.value.code == "F007"
