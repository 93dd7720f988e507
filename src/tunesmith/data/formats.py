"""Which reader a file belongs to: by what it says beyond doubt, then by its suffix, then by a guess at its text."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tunesmith import catalog
from tunesmith.errors import MissingError
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.header import is_table
from tunesmith.inputs.streams import sample, sample_lines
from tunesmith.inputs.tagged import layout
from tunesmith.parts import Reader

_ANY_TEXT = ("", ".txt", ".dat", ".data", ".text", ".log")
_LOOKED_AT = 1 << 16


def reader(name: str) -> Reader:
    """The reader of a format."""
    return catalog.part("reader", name)()


def suffixes() -> dict[str, str]:
    """{suffix: reader} of all readers, built in or added."""
    found = catalog.parts("reader")
    return {suffix: name for name in sorted(found) for suffix in found[name].suffixes}


def suffix_of(path: Path) -> str:
    """The suffix in lower case, without `.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def format_of(path: Path, start: bytes) -> str:
    """The reader's name.  start: the first bytes of the file.  Raises MissingError F003 where there is none."""
    known, suffix = suffixes(), suffix_of(path)
    for name, part in catalog.parts("reader").items():
        if part.marks and start.startswith(part.marks):
            return name
    if known.get(suffix) != "xlsx" and _is_workbook(path, start):
        return "xlsx"
    if suffix in _ANY_TEXT and not is_binary(start):
        return _by_text(sample(path, _LOOKED_AT))
    if suffix in known:
        return known[suffix]
    raise MissingError(
        "F003",
        f"{path.name}: files of the kind '{suffix or 'without suffix'}' can't be read",
        expected=f"one of {', '.join(sorted(known))} (text also with .gz)",
        fixes=("save the table as CSV (UTF-8)",),
        where=str(path),
    )


def _by_text(content: bytes) -> str:
    """Objects, tagged tokens, a table, or else a document a line."""
    encoding = sniff_encoding(content)["encoding"]
    lines = list(sample_lines(content, encoding))
    inner = "utf-8" if encoding.startswith("utf-16") else encoding
    if lines and lines[0].raw.lstrip(b" \t")[:1] == b"{":
        return "jsonl"
    if layout(lines, inner, doubt=True):
        return "conll"
    return "csv" if is_table(lines, inner) else "txt"


def _is_workbook(path: Path, start: bytes) -> bool:
    if not start.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
