"""Comma-, semicolon-, tab- or pipe-separated text (also .gz); a broken row takes no good ones with it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.delimited import split
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.header import column_names, first_row, has_header, sniff_delimiter
from tunesmith.inputs.quoting import Form
from tunesmith.inputs.streams import Line, damaged, lines, sample, sample_lines
from tunesmith.parts import Dialect, Reader

MAX_COLUMNS = 10_000
_QUOTED = re.compile(rb'"[^"]*"')
_PREFACE = re.compile(rb"sep=([,;\t|])\r?\n?")


class Csv(Reader):
    """Details of the dialect: encoding, bom, delimiter, newline, header, skip_blanks, preface (lines before the table,
    such as `sep=;`), and what was changed in the header."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab")

    def sniff(self, path: Path) -> Dialect:
        """Raises F002 (empty), F004 (not text), F007 (no header to go by, too many columns)."""
        content = sample(path)
        if is_binary(content):
            raise damaged(path, "it is not text", "save it as CSV (UTF-8)")
        details = sniff_encoding(content)
        details["newline"] = _newline(content)
        encoding = _inner(details["encoding"])
        newline = details["newline"].encode()
        top = list(sample_lines(content, details["encoding"], newline))
        top = top or list(itertools.islice(lines(path, details["encoding"], newline), 2))
        prior, details["preface"] = _prior(path, top)
        top = top[details["preface"] :]
        delimiter, details["skip_blanks"] = sniff_delimiter(top, encoding, prior)
        details["delimiter"] = delimiter
        form = Form(delimiter, encoding, skip_blanks=details["skip_blanks"])
        first = first_row(top, form)
        if first is None or len(first) > MAX_COLUMNS:
            raise _no_table(path, first, bool(content.strip(b" \r\n\xef\xbb\xbf")))
        details["header"] = has_header(first, _some(top, form, len(first)))
        names, notes = column_names(first if details["header"] else [""] * len(first))
        return Dialect(names, {**details, **(notes if details["header"] else {})})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 or F006 where the file itself gives out, never for a row."""
        details = dialect.details
        encoding = details.get("encoding", "utf-8")
        blanks = details.get("skip_blanks", False)
        form = Form(details.get("delimiter", ","), _inner(encoding), len(dialect.columns), blanks)
        source = lines(path, encoding, details.get("newline", "\n").encode())
        rows = split(itertools.islice(source, details.get("preface", 0), None), form, str(path))
        if details.get("header", True):
            next(rows, None)
        for row in rows:
            yield row if isinstance(row, Broken) else _record(row, dialect.columns, str(path))


def _record(row: tuple[Line, list[str]], columns: tuple[str, ...], source: str) -> Record:
    line, values = row
    return Record(dict(zip(columns, values, strict=True)), Place(source, line.number, line.byte))


def _inner(encoding: str) -> str:
    return "utf-8" if encoding.startswith("utf-16") else encoding


def _newline(content: bytes) -> str:
    """'\\r' for files of old Macs; else '\\n', before which a '\\r' may stand."""
    bare = _QUOTED.sub(b"", content)
    return "\r" if b"\r" in bare and b"\n" not in bare else "\n"


def _prior(path: Path, top: list[Line]) -> tuple[str, int]:
    """(delimiter to expect, lines before the table): a first line `sep=;`, as Excel knows it, names it."""
    if top and (preface := _PREFACE.fullmatch(top[0].raw)):
        return preface[1].decode(), 1
    stem = path.name.lower().removesuffix(".gz")
    return ("\t" if stem.endswith((".tsv", ".tab")) else ","), 0


def _some(top: list[Line], form: Form, columns: int) -> list[list[str]]:
    sized = Form(form.delimiter, form.encoding, columns, form.skip_blanks)
    rows = itertools.islice(split(iter(top), sized, ""), 1, 300)
    return [row[1] for row in rows if not isinstance(row, Broken)]


def _no_table(path: Path, first: list[str] | None, content: bool) -> DataError:
    if not content:
        look = (f"ls -l '{path}'",)
        return DataError(
            "F002", f"{path.name} is empty", expected="a header and rows", fixes=look, where=str(path)
        )
    found = f"{len(first)} columns" if first else "a first line that can't be read as a header"
    return DataError(
        "F007",
        f"{path.name} has {found}",
        expected=f"a header on line 1, with at most {MAX_COLUMNS:,} columns",
        fixes=(f"head -n 3 '{path}'",),
        where=f"{path}:1",
    )
