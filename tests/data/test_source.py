"""Sources: which reader, what is said of a file, and what is refused."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from tunesmith import catalog
from tunesmith.data import source
from tunesmith.errors import AccessError, DataError, MissingError, TunesmithError
from tunesmith.fields import Record
from tunesmith.store import files

TABLE = [{"text": "hello there", "label": "a"}, {"text": "good bye", "label": "b"}]
CSV = "text,label\nhello there,a\ngood bye,b\n"


def write(folder: Path, name: str) -> Path:
    path = folder / name
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(TABLE), path)
    elif kind in ("feather", "arrow"):
        table = pa.Table.from_pylist(TABLE)
        open_ = pa.ipc.new_file if kind == "feather" else pa.ipc.new_stream
        with open_(str(path), table.schema) as out:
            out.write_table(table)
    elif kind in ("sqlite", "db"):
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE rows (text TEXT, label TEXT)")
            database.executemany("INSERT INTO rows VALUES (?, ?)", [tuple(row.values()) for row in TABLE])
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        for row in (["text", "label"], *[list(row.values()) for row in TABLE]):
            book.worksheets[0].append(row)
        book.save(path)
    else:
        lines = "".join(json.dumps(row) + "\n" for row in TABLE)
        content = {"tsv": CSV.replace(",", "\t"), "json": json.dumps(TABLE), "jsonl": lines, "ndjson": lines}
        plain = content.get(kind, CSV).encode()
        path.write_bytes(gzip.compress(plain) if name.endswith(".gz") else plain)
    return path


SAID = {
    "t.csv": "CSV (,) · UTF-8 · 2 columns",
    "t.CSV": "CSV (,) · UTF-8 · 2 columns",
    "t.csv.gz": "CSV (,) · UTF-8 · 2 columns",
    "t.tsv": "CSV (tab) · UTF-8 · 2 columns",
    "t.tsv.gz": "CSV (tab) · UTF-8 · 2 columns",
    "t.txt": "CSV (,) · UTF-8 · 2 columns",
    "t": "CSV (,) · UTF-8 · 2 columns",
    "t.jsonl": "JSONL · UTF-8 · 2 columns",
    "t.jsonl.gz": "JSONL · UTF-8 · 2 columns",
    "t.ndjson": "JSONL · UTF-8 · 2 columns",
    "t.json": "JSON · UTF-8 · 2 columns",
    "t.parquet": "Parquet · 2 columns · 2 rows",
    "t.xlsx": "XLSX · sheet 'Sheet' · 2 columns",
    "t.json.gz": "JSON · UTF-8 · 2 columns",
    "t.feather": "Arrow · 2 columns",
    "t.arrow": "Arrow · 2 columns",
    "t.sqlite": "SQLite · table 'rows' · 2 columns",
    "t.db": "SQLite · table 'rows' · 2 columns",
}


@pytest.mark.parametrize("name", SAID)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    found = source.sniff(str(write(tmp_path, name)))
    assert [row.fields for row in source.rows(found) if isinstance(row, Record)] == TABLE
    assert source.describe(found) == SAID[name]
    assert all(row.place.source.partition("#")[0] == str(tmp_path / name) for row in source.rows(found))
    assert source.origins(found) == ({"name": name, "sha256": files.sha256(tmp_path / name)},)


@pytest.mark.parametrize(
    ("real", "named"),
    [
        ("t.parquet", "x.csv"),
        ("t.xlsx", "x.csv"),
        ("t.xlsx", "x"),
        ("t.jsonl", "x.data"),
        ("t.sqlite", "x.csv"),
        ("t.feather", "x"),
        ("t.parquet", "x.txt"),
    ],
)
def test_content_counts_more_than_the_name(tmp_path: Path, real: str, named: str) -> None:
    path = tmp_path / named
    shutil.move(write(tmp_path, real), path)
    assert [row.fields for row in source.rows(source.sniff(path)) if isinstance(row, Record)] == TABLE


def test_what_was_found_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbftext;label\na b;x\n")
    assert source.describe(source.sniff(path)) == "CSV (;) · UTF-8 with BOM · 2 columns"
    path.write_bytes(b"".join(b"caf\xe9 number %d of them,x\n" % k for k in range(20)))
    assert source.describe(source.sniff(path)) == "CSV (,) · Windows-1252 · no header · 2 columns"


def refusal(path: Path | str) -> TunesmithError:
    with pytest.raises(TunesmithError) as caught:
        list(source.rows(source.sniff(path)))
    assert caught.value.fixes
    assert caught.value.expected
    assert caught.value.where
    return caught.value


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "tickets.csv")
    error = refusal(tmp_path / "ticket.csv")
    assert isinstance(error, MissingError)
    assert error.code == "F001"
    assert "tickets.csv" in error.expected
    assert str(tmp_path / "tickets.csv") in error.fixes[0]
    assert refusal(tmp_path / "no" / "folder.csv").code == "F001"
    assert refusal("nul\0byte.csv").code == "F001"


def test_a_folder_without_data_lists_what_could_be_read(tmp_path: Path) -> None:
    (tmp_path / "tickets.pdf").write_bytes(b"%PDF")
    error = refusal(tmp_path)
    assert error.code == "F005"
    assert ".csv" in error.expected


TEXTS = {
    "one document a line\n\nanother, with a comma\nand a third\n": "txt",
    "hello there\tham\nbuy now\tspam\nsee you\tham\n": "csv",
    "text\nhello there\nbuy, now\n": "csv",
    "Peter B-PER\nwent O\n\nParis B-LOC\n": "conll",
    '{"text": "a b"}\n': "jsonl",
}


@pytest.mark.parametrize("name", ["t.txt", "t", "t.txt.gz"])
@pytest.mark.parametrize(("content", "expected"), TEXTS.items())
def test_plain_text_is_judged_by_what_it_holds(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    assert source.sniff(path).format == expected


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", b"\xef\xbb\xbf", b"text,label\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("t.csv", "t.csv.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        error = refusal(path)
        assert isinstance(error, DataError)
        assert error.code == "F002"


def test_an_unknown_kind_lists_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "t.pdf"
    path.write_bytes(b"%PDF-1.7 \x00\x01\x02")
    error = refusal(path)
    assert error.code == "F003"
    assert all(suffix in error.expected for suffix in (".csv", ".jsonl", ".parquet", ".xlsx"))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.xlsx", "t.csv.gz"])
def test_noise_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((b"\x1f\x8b" if name.endswith("gz") else b"") + bytes(range(1, 256)) * 9)
    error = refusal(path)
    assert error.code == "F004"
    assert name in error.found


def test_no_permission_is_an_access_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "t.csv")

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", deny)
    error = refusal(path)
    assert isinstance(error, AccessError)
    assert error.code == "F006"


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    assert refusal(tmp_path / "t.csv").code == "F006"


def test_a_reader_can_be_added_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / "words.py").write_text(
        '"""One word a line."""\n'
        "from tunesmith.fields import Record\n"
        "from tunesmith.parts import Dialect, Reader as _Reader\n\n\n"
        "class Words(_Reader):\n"
        '    suffixes = (".words",)\n\n'
        "    def sniff(self, path):\n"
        '        return Dialect(("text",))\n\n'
        "    def read(self, path, dialect):\n"
        '        return (Record({"text": word}) for word in path.read_text().split())\n'
    )
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(tmp_path))
    path = tmp_path / "t.words"
    path.write_text("one\ntwo\n")
    found = source.sniff(path)
    assert found.format == "words"
    assert len(list(source.rows(found))) == 2
    assert "words" in catalog.names("reader")
