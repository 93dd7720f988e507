"""One table of an SQLite database, read-only: `tickets.sqlite`, or `tickets.sqlite#messages` where it has several."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from tunesmith.catalog import nearest
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.streams import damaged, denied
from tunesmith.parts import Dialect, Reader

_SHOWN = 10


class Sqlite(Reader):
    """The part of the path after '#' names the table (or view).  A place's line is the rowid, or the row's number
    where there is none."""

    suffixes: ClassVar[tuple[str, ...]] = (".sqlite", ".sqlite3", ".db")
    marks: ClassVar[tuple[bytes, ...]] = (b"SQLite format 3\0",)

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (damaged), F006 (not readable), F018 (several tables, none, or not the one that is named)."""
        file, wanted = _parted(path)
        with _opened(file) as database:
            table = _choose(file, wanted, _tables(database))
            columns, keyed = _columns(database, table)
        return Dialect(columns, {"table": table, "rowid": keyed})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 where the file is damaged."""
        file, _ = _parted(path)
        table, keyed = dialect.details["table"], dialect.details["rowid"]
        names = ", ".join(map(_quoted, dialect.columns))
        key, order = (f"{keyed}, ", f" ORDER BY {keyed}") if keyed else ("", "")
        with _opened(file) as database:
            found = database.execute(f"SELECT {key}{names} FROM {_quoted(table)}{order}")  # noqa: S608 names are quoted
            for number, values in enumerate(found, start=1):
                line, values = (values[0], values[1:]) if keyed else (number, values)
                yield _row(dialect.columns, values, Place(f"{file}#{table}", line))


def _parted(path: Path) -> tuple[Path, str]:
    """(file, table or ''): a '#' that belongs to the file's own name names no table."""
    name, sign, table = str(path).rpartition("#")
    return (Path(name), table) if sign and not path.exists() else (path, "")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with path.open("rb"):
            database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        with contextlib.closing(database):
            database.text_factory = bytes  # text that is no UTF-8 breaks its row, not the reading
            yield database
    except (PermissionError, FileNotFoundError) as refusal:
        raise denied(path, refusal) from None
    except sqlite3.Error as damage:
        raise damaged(path, str(damage)[:200], "export the table again, as CSV or JSON lines") from None


def _tables(database: sqlite3.Connection) -> list[str]:
    listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return sorted(name.decode("utf-8", "replace") for (name,) in database.execute(listed))


def _choose(file: Path, wanted: str, tables: Sequence[str]) -> str:
    if wanted in tables or (not wanted and len(tables) == 1):
        return wanted or tables[0]
    close = nearest(wanted, list(tables)) if wanted else ""
    several = f"holds {len(tables)} tables" if tables else "holds no table"
    return _refuse(file, f"has no table '{wanted}'" if wanted else several, close, tables)


def _refuse(file: Path, found: str, close: str, tables: Sequence[str]) -> str:
    names = ", ".join(tables[:_SHOWN]) + (" …" if len(tables) > _SHOWN else "")
    raise DataError(
        "F018",
        f"{file.name} {found}",
        expected=f"one table of: {names}" if tables else "a database with a table",
        fixes=tuple(f"tunesmith data check '{file}#{name}'" for name in ([close] if close else tables[:3]))
        or (f"sqlite3 '{file}' .tables",),
        where=str(file),
    )


def _columns(database: sqlite3.Connection, table: str) -> tuple[tuple[str, ...], str]:
    """(the columns, the word that means the rowid here; '' for a view or a table without)."""
    found = database.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0")  # noqa: S608 the name is quoted
    columns = tuple(each[0] for each in found.description)
    taken = {name.lower() for name in columns}
    for word in ("rowid", "_rowid_", "oid"):
        if word not in taken and _has(database, table, word):
            return columns, word
    return columns, ""


def _has(database: sqlite3.Connection, table: str, word: str) -> bool:
    try:
        row = database.execute(f"SELECT {word} FROM {_quoted(table)} LIMIT 1").fetchone()  # noqa: S608 quoted
    except sqlite3.OperationalError:
        return False
    return row is not None and isinstance(row[0], int)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(columns: Sequence[str], values: Sequence[Any], place: Place) -> Record | Broken:
    fields: dict[str, Any] = {}
    for name, value in zip(columns, values, strict=True):
        try:
            fields[name] = _plain(value)
        except UnicodeDecodeError:
            raw = ", ".join(f"{k}={v}" for k, v in fields.items())[:200]
            return Broken(place, f"the text of '{name}' is not UTF-8", "write the row again, from text", raw)
    return Record(fields, place)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return None if isinstance(value, float) and not math.isfinite(value) else value
