"""Opens a data set: finds its files, their format and dialect, and gives their rows one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.data import formats
from tunesmith.data.locating import Located, Part, located
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.encoding import spoken
from tunesmith.inputs.streams import sample
from tunesmith.parts import Dialect
from tunesmith.store import files

_DELIMITERS = {"\t": "tab", " ": "blank"}
_SPOKEN = {"parquet": "Parquet", "arrow": "Arrow", "sqlite": "SQLite", "conll": "CoNLL", "txt": "Text"}
_SIDE, _LABEL = "split", "label"
_PACKED = {".gz": 6, ".parquet": 4, ".xlsx": 6}  # texts grow about so many times when they are unpacked
_ANY = frozenset(("train", "training", "test", "dev", "valid", "validation", "all"))


@dataclass(frozen=True, slots=True)
class Piece:
    """One file that was looked at.  format: the name of its reader (a file in `data/readers`)."""

    part: Part
    format: str
    dialect: Dialect


@dataclass(frozen=True)
class Source:
    """A data set that was looked at.

    path: its address.  format: that of its (first) file.  dialect: the columns of its rows, and how the first file is
    written.  pieces: its files in order.
    """

    path: Path
    format: str
    dialect: Dialect
    pieces: tuple[Piece, ...] = ()
    where: Located = field(default_factory=lambda: Located(()))


def sniff(uri: Path | str) -> Source:
    """Look at the start of each file of a data set and find out how to read it.

    uri: a file, a folder, a pattern (`data/*.csv`), `tickets.db#table`, or `hf://datasets/ORG/NAME[@REV][:CONFIG][/SPLIT]`.
    Where files or folders are named after sides, rows have a column `split`, unless they have one of their own; where
    a folder around text files names their class, a column `label`.
    Raises what `locating.located` raises; MissingError F003 (no reader for it); DataError F002 (empty, or a header
    only), F004 (damaged), F007 (no table), F008 (a workbook too large), F018 (which table?), F040 (files of one data
    set with different columns), F041 (several lists in a JSON file).
    """
    where = located(str(uri))
    pieces = tuple(_piece(part) for part in where.parts)
    found = Source(Path(uri), pieces[0].format, _joined(pieces), pieces, where)
    if next(rows(found), None) is None:
        raise _empty(pieces[0].part.path, "holds a header but no rows")
    return found


def rows(source: Source) -> Iterator[Record | Broken]:
    """Every row in file order; fields carry the names of the files' columns."""
    for piece in source.pieces:
        yield from _rows(piece)


def size(source: Source) -> int:
    """Bytes of all files, packed as they are."""
    return sum(piece.part.file.stat().st_size for piece in source.pieces)


def unpacked(source: Source) -> int:
    """About how many bytes of text the files hold."""
    return sum(
        _PACKED.get(piece.part.file.suffix.lower(), 1) * piece.part.file.stat().st_size
        for piece in source.pieces
    )


def origins(source: Source) -> tuple[dict[str, Any], ...]:
    """What is known of each file, for a version's lineage: {name, sha256} and, of the hub, origin."""
    origin = {"origin": source.where.origin} if source.where.origin else {}
    return tuple(
        {"name": part.name or part.path.name, "sha256": files.sha256(part.file), **origin}
        for part in source.where.parts
    )


def title(uri: str) -> str:
    """What a data set is called after its address: 'tickets' for `data/tickets.csv.gz`, for `data/tickets/*.csv`, for
    `tickets/train.jsonl` (a name that says nothing gives way to its folder's) and `hf://datasets/acme/tickets@main`."""
    steps = [step for step in uri.replace("hf://datasets/", "").split("/") if step not in ("", ".", "..")]
    if uri.startswith("hf:"):
        return (steps[1] if len(steps) > 1 else uri).partition("@")[0].partition(":")[0]
    plain = [step for step in steps if not any(sign in step for sign in "*?[")]
    names = [step.partition("#")[0].split(".")[0] for step in plain or [Path.cwd().name]]
    telling = [name for name in names[-2:] if name.lower() not in _ANY]
    return (telling or names)[-1]


def describe(source: Source) -> str:
    """One line for people: 'CSV (;) · UTF-8 with BOM · 2 columns'."""
    details = source.dialect.details
    name = _SPOKEN.get(source.format, source.format.upper())
    if delimiter := details.get("delimiter"):
        name += f" ({_DELIMITERS.get(delimiter, delimiter)})"
    said = [*_files_said(source), name]
    if "encoding" in details:
        said.append(spoken(details["encoding"], details.get("bom", False)))
    if details.get("header") is False:
        said.append("no header")
    said += [f"{key} '{details[key]}'" for key in ("sheet", "table") if key in details]
    columns = len(source.dialect.columns)
    said.append("1 column" if columns == 1 else f"{columns:,} columns")
    if "rows" in details and len(source.pieces) == 1:
        said.append(f"{details['rows']:,} rows")
    return " · ".join(said)


def _files_said(source: Source) -> list[str]:
    if len(source.pieces) < 2:
        return []
    sides = [piece.part.side for piece in source.pieces]
    named = ", ".join(f"{sides.count(side)} {side}" for side in dict.fromkeys(sides) if side)
    said = [f"{len(source.pieces):,} files" + (f" ({named})" if named else "")]
    left = source.where.left_out
    return [*said, f"left out: {', '.join(left[:3])}{' …' if len(left) > 3 else ''}"] if left else said


def _piece(part: Part) -> Piece:
    if part.whole:
        return Piece(part, "txt", Dialect(("text",), {"whole": True}))
    start = sample(part.file, 4096)
    if not start.strip(b" \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise _empty(part.path, "is empty")
    name = formats.format_of(part.file, start)
    return Piece(part, name, formats.reader(name).sniff(part.path))


def _rows(piece: Piece) -> Iterator[Record | Broken]:
    found = formats.reader(piece.format).read(piece.part.path, piece.dialect)
    if not piece.part.name:
        yield from found
        return
    name, more = piece.part.name, _more(piece)
    for row in found:
        at = row.place
        place = Place(at.source, at.line, at.byte, name)
        if isinstance(row, Broken):
            yield Broken(place, row.reason, row.fix, row.raw)
        else:
            yield Record({**row.fields, **more}, place, row.key)


def _more(piece: Piece) -> dict[str, str]:
    """The columns that every row of a file has by the file's place."""
    part, columns = piece.part, piece.dialect.columns
    more = {_SIDE: part.side} if part.side and _SIDE not in columns else {}
    return more | ({_LABEL: part.label} if part.label else {})


def _joined(pieces: tuple[Piece, ...]) -> Dialect:
    """The columns of all files.  Raises F040 where one lacks a column that every row of another has."""
    first = pieces[0].dialect
    columns = dict.fromkeys(first.columns)
    for piece in pieces[1:]:
        _require_same(pieces[0], piece)
        columns |= dict.fromkeys(piece.dialect.columns)
    for piece in pieces:
        columns |= dict.fromkeys(_more(piece))
    return Dialect(tuple(columns), first.details)


def _require_same(one: Piece, other: Piece) -> None:
    lacks = [_wants(one, other), _wants(other, one)]
    if not any(lacks):
        return
    names = [piece.part.name or str(piece.part.path) for piece in (one, other)]
    said = [
        f"{name} has {', '.join(map(repr, extra[:5]))}"
        for name, extra in zip(names, lacks, strict=True)
        if extra
    ]
    raise DataError(
        "F040",
        f"{names[0]} and {names[1]} have different columns: only {'; only '.join(said)}",
        expected="the same columns in all files of a data set",
        fixes=(f"tunesmith data check '{one.part.path}'", f"tunesmith data check '{other.part.path}'"),
        where=f"{other.part.path}:1",
    )


def _wants(one: Piece, other: Piece) -> list[str]:
    """The columns that all rows of one file have and no row of the other."""
    rare: Mapping[str, Any] = dict.fromkeys(one.dialect.details.get("sometimes", ()))
    there = {*other.dialect.columns, *_more(other)}
    return [name for name in one.dialect.columns if name not in rare and name not in there]


def _empty(path: Path, what: str) -> DataError:
    return DataError(
        "F002",
        f"{path.name} {what}",
        expected="a header and at least one row",
        fixes=(f"ls -l '{path}'",),
        where=str(path),
    )
