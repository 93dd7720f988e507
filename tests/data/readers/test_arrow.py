"""Arrow IPC: files, streams, damage."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pytest

from tunesmith.data.readers.arrow import Arrow
from tunesmith.errors import DataError
from tunesmith.fields import Record

TABLE = pa.table(
    {
        "text": ["a", "b", None],
        "day": [datetime.date(2026, 1, k) for k in (1, 2, 3)],
        "turns": [[{"role": "user"}], [], None],
    }
)


def write(path: Path, table: pa.Table = TABLE) -> Path:
    with (pa.ipc.new_file if path.suffix == ".feather" else pa.ipc.new_stream)(
        str(path), table.schema
    ) as out:
        out.write_table(table, max_chunksize=2)
    return path


@pytest.mark.parametrize("name", ["t.feather", "t.arrow"])
def test_values_become_json(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    dialect = Arrow().sniff(path)
    rows = list(Arrow().read(path, dialect))
    assert dialect.columns == ("text", "day", "turns")
    assert [row.place.line for row in rows] == [1, 2, 3]
    assert next(row.fields for row in rows if isinstance(row, Record)) == {
        "text": "a",
        "day": "2026-01-01",
        "turns": [{"role": "user"}],
    }


@pytest.mark.parametrize("name", ["t.feather", "t.arrow"])
def test_a_torn_file_is_rows_or_one_refusal(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name).read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(40):
        path = tmp_path / name
        path.write_bytes(whole[: rng.randrange(len(whole))])
        try:
            list(Arrow().read(path, Arrow().sniff(path)))
        except DataError as refusal:
            assert refusal.code in ("F004", "F007")
            refused += 1
    assert refused >= 20


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(DataError, match="F007"):
        Arrow().sniff(write(tmp_path / "t.feather", table))
