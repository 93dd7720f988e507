"""The first sheet of an Excel workbook; its first row names the columns."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tunesmith.errors import DataError, TunesmithError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.header import column_names
from tunesmith.inputs.streams import damaged, denied
from tunesmith.parts import Dialect, Reader

MAX_BYTES = 1_000_000_000  # unpacked: a sheet is read whole, and a small file can unpack to a disk full
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(\.\d+)?)")
_MIDNIGHT = "00:00:00"


class Xlsx(Reader):
    """Cells become text, dates ISO text; a place's line is the sheet's row number.  The file is read whole."""

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx",)

    def sniff(self, path: Path) -> Dialect:
        """Raises F002 (an empty sheet), F004 (damaged), F006 (not readable), F008 (too large unpacked)."""
        name, values = _sheet(path)
        top = next((k for k, row in enumerate(values) if any(_text(cell) for cell in row)), None)
        if top is None:
            raise DataError(
                "F002",
                f"the first sheet of {path.name}, '{name}', is empty",
                expected="column names and rows on the first sheet",
                fixes=("move the sheet with the table to the first place",),
                where=str(path),
            )
        names, notes = column_names([_text(cell) for cell in values[top]])
        return Dialect(names, {"sheet": name, "top": top, **notes})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Rows without any value are passed over.  Raises F004 where the file is damaged."""
        _, values = _sheet(path)
        top = dialect.details.get("top", 0)
        for number, row in enumerate(values[top + 1 :], start=top + 2):
            cells = [_text(cell) for cell in row]
            if any(cells):
                yield Record(dict(zip(dialect.columns, cells, strict=False)), Place(str(path), number))


def _sheet(path: Path) -> tuple[str, list[tuple[Any, ...]]]:
    """(name of the first sheet, its rows from the very top)."""
    import fastexcel

    try:
        _check_size(path)
        book = fastexcel.read_excel(path)
        name = book.sheet_names[0]
        # skip_rows=0 keeps empty rows at the top, so that row numbers are the sheet's
        sheet = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        return name, sheet.to_polars().rows()
    except TunesmithError:
        raise
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (
        fastexcel.FastExcelError,
        zipfile.BadZipFile,
        OSError,
        ValueError,
        IndexError,
        MemoryError,
    ) as damage:
        raise damaged(
            path, str(damage).partition("\n")[0][:200], "open it in Excel and save it again"
        ) from None


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_BYTES:
        raise DataError(
            "F008",
            f"{path.name} unpacks to {size / 1e6:,.0f} MB",
            expected=f"a workbook of at most {MAX_BYTES / 1e6:,.0f} MB unpacked: it is read whole",
            fixes=("save the sheet as CSV (UTF-8), which is read row by row",),
            where=str(path),
        )


def _text(cell: Any) -> str:
    """A cell as text: a day without a time of day, a moment as ISO text."""
    if cell is None:
        return ""
    if moment := _MOMENT.fullmatch(cell):
        return moment[1] if moment[2] == _MIDNIGHT else f"{moment[1]}T{moment[2]}"
    return cell
