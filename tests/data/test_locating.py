"""Data sets of several files: folders, patterns, sides, classes, tables of a database."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from pathlib import Path

import pytest

from tunesmith.data import checking, cleaning, mapping, source, version
from tunesmith.data.contents.labelled import Labelled
from tunesmith.errors import DataError, MissingError
from tunesmith.fields import Record

CSV = "text,label\n{0} one,a\n{0} two,b\n"


def write(root: Path, **files: str) -> Path:
    """Files by name, in which '__' stands for '/' and '_' for '.'."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode()
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return root


def read(uri: Path | str) -> list[Record]:
    return [row for row in source.rows(source.sniff(uri)) if isinstance(row, Record)]


def test_files_named_after_sides_fill_a_split_column(tmp_path: Path) -> None:
    root = write(tmp_path, test_csv=CSV.format("t"), train_csv_gz=CSV.format("r"), dev_csv=CSV.format("d"))
    write(root, notes_csv="other,columns\n1,2\n", README_md="# hello")
    found = source.sniff(root)
    assert found.dialect.columns == ("text", "label", "split")
    rows = read(root)
    assert [row.fields["split"] for row in rows] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert [row.place.id for row in rows][::2] == ["train.csv.gz:2", "dev.csv:2", "test.csv:2"]
    said = source.describe(found)
    assert said.startswith("3 files (1 train, 1 validation, 1 test) · left out: notes.csv · CSV (,)")


@pytest.mark.parametrize(
    "name", ["train", "training", "TRAIN", "train-00000-of-00002", "train_1", "train.part"]
)
def test_words_that_mean_a_side(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.csv").write_text(CSV.format("r"))
    write(tmp_path, test_csv=CSV.format("t"))
    assert {row.fields["split"] for row in read(tmp_path)} == {"train", "test"}


def test_subfolders_named_after_sides_keep_rows_apart(tmp_path: Path) -> None:
    root = write(tmp_path, train__a_csv=CSV.format("r"), test__a_csv=CSV.format("t"))
    ids = [row.place.id for row in read(root)]
    assert ids == ["train/a.csv:2", "train/a.csv:3", "test/a.csv:2", "test/a.csv:3"]


def test_beside_a_test_file_the_other_files_are_for_training(tmp_path: Path) -> None:
    root = write(tmp_path, data_csv=CSV.format("r"), test_csv=CSV.format("t"))
    assert [row.fields["split"] for row in read(root)] == ["train"] * 2 + ["test"] * 2


def test_one_side_alone_is_none(tmp_path: Path) -> None:
    assert all("split" not in row.fields for row in read(write(tmp_path, test_csv=CSV.format("t"))))


def test_rows_that_say_their_side_keep_it(tmp_path: Path) -> None:
    table = "text,label,split\nx y,a,val\n"
    rows = read(write(tmp_path, train_csv=table, test_csv=table))
    assert [row.fields["split"] for row in rows] == ["val", "val"]


def test_text_files_in_class_folders_are_labelled_documents(tmp_path: Path) -> None:
    root = write(tmp_path, pos__1_txt="good\nvery, good\n", pos__2_txt="fine", neg__1_txt="bad\n")
    assert [(row.fields, row.place.id) for row in read(root)] == [
        ({"text": "bad", "label": "neg"}, "neg/1.txt:1"),
        ({"text": "good\nvery, good", "label": "pos"}, "pos/1.txt:1"),
        ({"text": "fine", "label": "pos"}, "pos/2.txt:1"),
    ]


def test_class_folders_within_sides(tmp_path: Path) -> None:
    parts = ("train__pos__1_txt", "train__neg__1_txt", "test__pos__1_txt", "test__neg__2_txt")
    rows = read(write(tmp_path, **dict.fromkeys(parts, "some words")))
    assert {(row.fields["label"], row.fields["split"]) for row in rows} == {
        (label, side) for label in ("pos", "neg") for side in ("train", "test")
    }


def test_a_folder_of_text_holds_one_document_a_file(tmp_path: Path) -> None:
    rows = read(write(tmp_path, a_txt="line one\nline two\n", b_txt="\ufefflone"))
    assert [row.fields for row in rows] == [{"text": "line one\nline two"}, {"text": "lone"}]


def test_a_pattern_names_files_from_its_first_wild_step_on(tmp_path: Path) -> None:
    write(tmp_path, d__x__a_csv=CSV.format("1"), d__y__a_csv=CSV.format("2"), d__y__b_jsonl="{}")
    assert [row.place.id for row in read(f"{tmp_path}/d/*/a.csv")][::2] == ["x/a.csv:2", "y/a.csv:2"]
    with pytest.raises(MissingError) as refusal:
        read(f"{tmp_path}/d/*.parquet")
    assert refusal.value.code == "F001"
    assert "no file matches" in refusal.value.found


def test_ids_are_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    made = []
    for place in ("here", "there/and there"):
        root = write(tmp_path / place, train__a_csv=CSV.format("r"), test__a_csv=CSV.format("t"))
        found = source.sniff(root)
        rows = list(mapping.records(found, mapping.read_as(found)))
        made.append(version.make_version(rows, content="labelled", fields=("text", "label")))
    assert made[0].digest == made[1].digest
    assert [row.place for row in made[0].records] == [row.place for row in made[1].records]
    assert made[0].records[2].place.id == "test/a.csv:2"
    version.save(made[0], tmp_path / "home")
    kept = version.load(tmp_path / "home", made[0].digest)
    assert [row.place for row in kept.records] == [row.place for row in made[0].records]


def test_findings_name_the_folder_and_rows_of_each_file(tmp_path: Path) -> None:
    same = "text,label\n" + "the very same row,a\n" * 2 + "another row,b\n"
    root = write(tmp_path, train__a_csv=same, test__a_csv=same)
    found = source.sniff(root)
    rows = [row for row in mapping.records(found, mapping.read_as(found)) if isinstance(row, Record)]
    by_code = {finding.code: finding for finding in checking.check(rows, Labelled())}
    fix = by_code["D101"].fix
    assert fix is not None
    assert set(fix.drops) == {"train/a.csv:3", "test/a.csv:3"}
    assert str(root) in by_code["D101"].fix.command
    assert "a.csv" not in fix.command
    cleaned = cleaning.clean(rows, by_code.values())
    assert [row.place for row in cleaning.undo(cleaned.records, cleaned.changes)] == [
        row.place for row in rows
    ]


def test_files_with_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    root = write(tmp_path, train_csv=CSV.format("r"), test_csv="text,intent\nx y,a\n")
    with pytest.raises(DataError) as refusal:
        source.sniff(root)
    assert refusal.value.code == "F040"
    assert "train.csv" in refusal.value.found
    assert "test.csv has 'intent'" in refusal.value.found


def test_keys_that_not_every_row_has_may_lack_in_another_file(tmp_path: Path) -> None:
    rows = '{"text": "a b", "label": "x"}\n{"text": "a c", "label": "x", "note": 1}\n'
    root = write(tmp_path, a_jsonl=rows, b_jsonl=rows.replace(', "note": 1', ""))
    assert len(read(root)) == 4
    write(tmp_path, b_jsonl=rows.replace('"label"', '"intent"'))
    with pytest.raises(DataError, match="F040"):
        source.sniff(root)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "it's 100% #1.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute('CREATE TABLE "odd ""name" (text, label)')
        opened.execute("CREATE TABLE tickets (rowid TEXT, text TEXT, label TEXT)")
        opened.execute("CREATE TABLE keyed (text TEXT PRIMARY KEY) WITHOUT ROWID")
        opened.execute("CREATE VIEW seen AS SELECT text FROM tickets")
        opened.executemany(
            "INSERT INTO tickets VALUES (?, ?, ?)", [("r", f"text {k}", "a") for k in range(5)]
        )
        opened.execute("DELETE FROM tickets WHERE text = 'text 1'")
        opened.execute("INSERT INTO keyed VALUES ('k')")
        opened.execute("""INSERT INTO "odd ""name" VALUES ('o', 1.5)""")
    return path


def test_a_database_with_several_tables_asks_which(database: Path) -> None:
    with pytest.raises(DataError) as refusal:
        read(database)
    assert refusal.value.code == "F018"
    assert all(name in refusal.value.expected for name in ("tickets", "keyed", "seen"))
    with pytest.raises(DataError) as refusal:
        read(f"{database}#ticket")
    assert "#tickets" in refusal.value.fixes[0]


def test_rows_of_a_table_are_named_by_their_rowid(database: Path) -> None:
    rows = read(f"{database}#tickets")
    assert [row.place.line for row in rows] == [1, 3, 4, 5]
    assert rows[0].fields == {"rowid": "r", "text": "text 0", "label": "a"}
    assert str(rows[0].place) == f"{database}#tickets:1"
    assert source.origins(source.sniff(f"{database}#tickets"))[0]["name"] == f"{database.name}#tickets"
    assert [row.place.line for row in read(f"{database}#seen")] == [1, 2, 3, 4]
    assert [row.place.line for row in read(f"{database}#keyed")] == [1]
    assert [row.fields for row in read(f'{database}#odd "name')] == [{"text": "o", "label": 1.5}]


def test_a_database_is_never_written(database: Path) -> None:
    before = database.read_bytes()
    read(f"{database}#tickets")
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


@pytest.mark.parametrize("uri", ["https://example.org/data.csv", "s3://bucket/data", "http://x"])
def test_what_lies_elsewhere_is_refused(uri: str) -> None:
    with pytest.raises(MissingError) as refusal:
        source.sniff(uri)
    assert refusal.value.code == "F015"
    assert uri in refusal.value.fixes[0]


TITLES = {
    "data/tickets.csv.gz": "tickets",
    "data/tickets/*.csv": "tickets",
    "data/tickets/": "tickets",
    "tickets.db#messages": "tickets",
    "hf://datasets/acme/tickets@main:en/train": "tickets",
}


@pytest.mark.parametrize(("uri", "title"), TITLES.items())
def test_a_data_set_is_called_after_its_address(uri: str, title: str) -> None:
    assert source.title(uri) == title
