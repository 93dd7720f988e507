"""SQLite: values, damage, permissions (tables and their names: `test_locating`)."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tunesmith.data.readers.sqlite import Sqlite
from tunesmith.errors import AccessError, DataError
from tunesmith.fields import Broken, Record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE t (text, value)")
        values = [("a", 1), ("b", 2.5), ("c", None), (b"bytes", 9e999), ("e\u2028\0", "x")]
        database.executemany("INSERT INTO t VALUES (?, ?)", values)
        database.execute("INSERT INTO t VALUES (CAST(x'e9ff' AS TEXT), 'after')")
    return path


def read(path: Path) -> list[Record | Broken]:
    return list(Sqlite().read(path, Sqlite().sniff(path)))


def test_values_are_those_of_json(path: Path) -> None:
    rows = read(path)
    assert [row.fields["text"] for row in rows if isinstance(row, Record)] == [
        "a",
        "b",
        "c",
        "bytes",
        "e\u2028\0",
    ]
    assert [row.fields["value"] for row in rows if isinstance(row, Record)] == [1, 2.5, None, None, "x"]
    (broken,) = [row for row in rows if isinstance(row, Broken)]
    assert (broken.place.line, broken.reason) == (6, "the text of 'text' is not UTF-8")


@pytest.mark.parametrize("cut", [20, 100, 3000])
def test_a_torn_database_is_one_refusal(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError) as refusal:
        read(path)
    assert refusal.value.code in ("F004", "F018")
    assert path.name in refusal.value.found


def test_no_permission_is_an_access_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(AccessError) as refusal:
        read(path)
    assert refusal.value.code == "F006"


def test_rows_of_an_empty_table_are_none(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "e.db")) as database, database:
        database.execute("CREATE TABLE t (text)")
    assert read(tmp_path / "e.db") == []
