"""Opens a data file: finds its format and dialect, and gives its rows one by one."""

from __future__ import annotations

import difflib
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunesmith import catalog
from tunesmith.errors import AccessError, DataError, MissingError
from tunesmith.fields import Broken, Record
from tunesmith.inputs.encoding import is_binary, spoken
from tunesmith.inputs.streams import denied, sample
from tunesmith.parts import Dialect, Reader

_DELIMITERS = {"\t": "tab", " ": "blank"}
_TEXT_SUFFIXES = ("", ".dat", ".data", ".text", ".log")


@dataclass(frozen=True)
class Source:
    """A file that was looked at.  format: the name of its reader (a file in `data/readers`)."""

    path: Path
    format: str
    dialect: Dialect


def sniff(path: Path | str) -> Source:
    """Look at the start of a file and find out how to read it.

    Raises MissingError F001 (no such file), F003 (no reader for it), F005 (a folder); AccessError F006;
    DataError F002 (empty, or a header only), F004 (damaged), F007 (no table), F008 (a workbook too large).
    """
    path = Path(path)
    _check_file(path)
    start = sample(path, 4096)
    if not start.strip(b" \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise _empty(path, "is empty")
    name = _format(path, start)
    source = Source(path, name, _reader(name).sniff(path))
    if next(rows(source), None) is None:
        raise _empty(path, "holds a header but no rows")
    return source


def rows(source: Source) -> Iterator[Record | Broken]:
    """Every row in file order; fields carry the names of the file's columns."""
    return _reader(source.format).read(source.path, source.dialect)


def describe(source: Source) -> str:
    """One line for people: 'CSV (;) · UTF-8 with BOM · 2 columns'."""
    details = source.dialect.details
    name = source.format.upper() if source.format != "parquet" else "Parquet"
    if delimiter := details.get("delimiter"):
        name += f" ({_DELIMITERS.get(delimiter, delimiter)})"
    said = [name]
    if "encoding" in details:
        said.append(spoken(details["encoding"], details.get("bom", False)))
    if details.get("header") is False:
        said.append("no header")
    if "sheet" in details:
        said.append(f"sheet '{details['sheet']}'")
    columns = len(source.dialect.columns)
    said.append("1 column" if columns == 1 else f"{columns:,} columns")
    if "rows" in details:
        said.append(f"{details['rows']:,} rows")
    return " · ".join(said)


def _reader(name: str) -> Reader:
    return catalog.part("reader", name)()


def _suffixes() -> dict[str, str]:
    """{suffix: reader} of all readers, built in or added."""
    found = catalog.parts("reader")
    return {suffix: name for name in sorted(found) for suffix in found[name].suffixes}


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (OSError, ValueError):
        raise _missing(path) from None
    if stat.S_ISDIR(mode):
        raise _folder(path)
    if not stat.S_ISREG(mode):
        raise AccessError(
            "F006",
            f"{path.name} is no regular file",
            expected="a file on disk",
            fixes=(f"cat '{path}' > data.csv",),
            where=str(path),
        )


def _missing(path: Path) -> MissingError:
    folder = path.parent if path.parent.is_dir() else Path()
    near = difflib.get_close_matches(path.name, [entry.name for entry in folder.iterdir()], n=3, cutoff=0.5)
    return MissingError(
        "F001",
        f"there is no file '{path}'",
        expected="a file; near it: " + ", ".join(near) if near else "a file that is there",
        fixes=tuple(f"tunesmith up '{folder / name}'" for name in near[:1]) or (f"ls '{folder}'",),
        where=str(path),
    )


def _folder(path: Path) -> MissingError:
    inside = sorted(entry.name for entry in path.iterdir() if _suffix(entry) in _suffixes())
    return MissingError(
        "F005",
        f"'{path}' is a folder",
        expected="one file" + (f"; in the folder: {', '.join(inside[:5])}" if inside else ""),
        fixes=tuple(f"tunesmith up '{path / name}'" for name in inside[:1]) or (f"ls '{path}'",),
        where=str(path),
    )


def _empty(path: Path, what: str) -> DataError:
    return DataError(
        "F002",
        f"{path.name} {what}",
        expected="a header and at least one row",
        fixes=(f"ls -l '{path}'",),
        where=str(path),
    )


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _format(path: Path, start: bytes) -> str:
    """The reader's name: by what the content says beyond doubt, then by suffix, then by a guess."""
    known, suffix = _suffixes(), _suffix(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    if known.get(suffix) != "xlsx" and _is_workbook(path, start):
        return "xlsx"
    if suffix in known:
        return known[suffix]
    if suffix in _TEXT_SUFFIXES and not is_binary(start):
        return "jsonl" if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" else "csv"
    raise MissingError(
        "F003",
        f"{path.name}: files of the kind '{suffix or 'without suffix'}' can't be read",
        expected=f"one of {', '.join(sorted(known))} (text also with .gz)",
        fixes=("save the table as CSV (UTF-8)",),
        where=str(path),
    )


def _is_workbook(path: Path, start: bytes) -> bool:
    if not start.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
