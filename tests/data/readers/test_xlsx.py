"""Excel workbooks: the first sheet, row numbers, dates, damage."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tunesmith.data.readers import xlsx
from tunesmith.data.readers.xlsx import Xlsx
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record


def read(path: Path) -> list[Record | Broken]:
    return list(Xlsx().read(path, Xlsx().sniff(path)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Tickets"
    sheet.append([])
    sheet.append(["text", " label", "when", "n", None])
    sheet.append(["héllo\nworld", "a", datetime.datetime(2024, 1, 2, 3, 4), 1, "q"])
    sheet.append([None] * 5)
    sheet.append([123, "b", datetime.date(2024, 1, 2), 2.5, None])
    book.create_sheet("other").append(["not", "this"])
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


def test_the_first_sheet_is_read_as_text(path: Path) -> None:
    dialect = Xlsx().sniff(path)
    assert dialect.columns == ("text", "label", "when", "n", "column_5")
    assert dialect.details["sheet"] == "Tickets"
    assert dialect.details["trimmed_header"] == ["label"]
    first, second = read(path)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert tuple(first.fields.values()) == ("héllo\nworld", "a", "2024-01-02T03:04:00", "1", "q")
    assert tuple(second.fields.values()) == ("123", "b", "2024-01-02", "2.5", "")


def test_places_are_the_rows_of_the_sheet(path: Path) -> None:
    assert [row.place.line for row in read(path)] == [3, 5]


def test_an_empty_sheet_is_said_to_be_empty(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "t.xlsx")
    with pytest.raises(DataError) as refusal:
        read(tmp_path / "t.xlsx")
    assert refusal.value.code == "F002"


def test_damage_is_one_refusal(path: Path) -> None:
    whole = path.read_bytes()
    for size in (0, 4, 30, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError) as refusal:
            read(path)
        assert refusal.value.code == "F004", size


def test_a_zip_that_unpacks_to_a_disk_full_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_BYTES", 1000)
    with pytest.raises(DataError) as refusal:
        read(path)
    assert refusal.value.code == "F008"


def test_another_zip_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(DataError) as refusal:
        read(tmp_path / "t.xlsx")
    assert refusal.value.code == "F004"
