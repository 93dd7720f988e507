"""A JSON file (also .gz): an array of objects, one object that holds one list of them, or one object a line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tunesmith.data.readers.jsonl import Jsonl, keys_of, row_of, sometimes
from tunesmith.errors import CapacityError, DataError
from tunesmith.fields import Broken, Record
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.jsonarrays import elements, lists_of_objects
from tunesmith.inputs.streams import Line, damaged, fragments, sample, sample_lines
from tunesmith.parts import Dialect, Reader

MAX_BYTES = 512 << 20  # of a file that is one object, whose lists are looked for in the whole text
_LOOKED_AT = 1000
_SPACE = b" \t\r\n"
# lists that are part of one row: an object with such a key is a row, not a table
_WITHIN_A_ROW = frozenset(
    (
        *("messages", "conversations", "conversation", "turns", "chosen", "rejected", "completion", "tools"),
        *("spans", "entities", "annotations", "predictions", "result"),
    )
)


class Json(Reader):
    """Arrays are read element by element, however large.  Details beside those of JSON lines: inside (the key of the
    list), start (where it stands, in bytes of the text as UTF-8), sound (whether the file is whole)."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (not text), F007 (no objects), F019 (one object too large), F041 (several lists of objects)."""
        content = sample(path)
        if is_binary(content):
            raise damaged(path, "it is not text", "save it as JSON (UTF-8)")
        encoding = sniff_encoding(content)["encoding"]
        encoding = encoding if encoding.startswith("utf-16") else "utf-8"
        if _has_lines(content, encoding):
            return Jsonl().sniff(path)
        text = _whole(path, encoding)
        found, sound = lists_of_objects(text)
        tables = {key: start for key, start in found.items() if key not in _WITHIN_A_ROW}
        if not tables:
            return Jsonl().sniff(path)
        if len(tables) > 1 and sound:
            raise _several(path, list(tables))
        key, start = list(tables.items())[-1]
        how = {"inside": key, "start": len(text[:start].encode("utf-8", "surrogateescape")), "sound": sound}
        columns = keys_of(itertools.islice(_elements(path, encoding, how["start"], sound), _LOOKED_AT))
        if not columns:
            return Jsonl().sniff(path)
        return Dialect(tuple(columns), {"encoding": encoding, **how, "sometimes": sometimes(columns)})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 or F006 where the file itself gives out, never for a row."""
        details = dialect.details
        if "inside" not in details:
            yield from Jsonl().read(path, dialect)
            return
        for line in _elements(path, details["encoding"], details["start"], details["sound"]):
            if line.raw.strip(_SPACE):
                yield row_of(line, str(path))


def _has_lines(content: bytes, encoding: str) -> bool:
    """Whether the text is no object, or starts with one that ends on its line and is followed by another."""
    filled = (line.raw for line in sample_lines(content, encoding) if line.raw.strip(_SPACE))
    first, second = next(filled, b""), next(filled, b"")
    if not first:  # one line that is longer than the sample, or without an end
        return (
            not content.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE).startswith(b"{") and encoding == "utf-8"
        )
    if not first.lstrip(_SPACE).startswith(b"{"):
        return True
    return second.lstrip(_SPACE).startswith(b"{") and first.rstrip(_SPACE).endswith(b"}")


def _whole(path: Path, encoding: str) -> str:
    """The text of a file, of which bytes that are no UTF-8 stay what they are."""
    pieces: list[bytes] = []
    size = 0
    for fragment in fragments(path, encoding):
        pieces.append(fragment.raw)
        size += len(fragment.raw)
        if size > MAX_BYTES:
            raise _too_large(path)
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def _elements(path: Path, encoding: str, start: int, sound: bool) -> Iterator[Line]:
    return elements(_from(fragments(path, encoding), start), once=True, sound=sound)


def _from(pieces: Iterator[Line], start: int) -> Iterator[Line]:
    """The text from a byte on."""
    before = 0
    for piece in pieces:
        cut = max(0, start - before)
        before += len(piece.raw)
        if cut < len(piece.raw):
            yield Line(piece.number, piece.byte + cut, piece.raw[cut:]) if cut else piece


def _several(path: Path, keys: list[str]) -> DataError:
    return DataError(
        "F041",
        f"{path.name} holds several lists of objects: {', '.join(keys[:8])}",
        expected="one list of objects",
        fixes=tuple(f"jq -c '.[\"{key}\"][]' '{path}' > {path.stem}.jsonl" for key in keys[:2]),
        where=f"{path}:1",
    )


def _too_large(path: Path) -> CapacityError:
    return CapacityError(
        "F019",
        f"{path.name} is one JSON object of more than {MAX_BYTES >> 20} MB",
        expected="one object a line, or an array of objects: these are read row by row, however large",
        fixes=(f"jq -c '.[] | arrays | .[]' '{path}' > rows.jsonl",),
        where=str(path),
    )
