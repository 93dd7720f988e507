"""Files as streams of bytes and lines: gzip, UTF-16 and byte-order marks are taken off, offsets are kept."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tunesmith.errors import AccessError, DataError, TunesmithError

SAMPLE = 1 << 20
MAX_ROW = 50_000_000
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_BOM = codecs.BOM_UTF8
_LF_LINES = re.compile(rb"[^\n]*\n|[^\n]+")


class Line(NamedTuple):
    """One physical line.  byte: its offset in the (decompressed) file.  raw: its bytes with the line end.

    raw is UTF-8 where the file is UTF-16; where it holds more than MAX_ROW bytes, the rest of the line was dropped.
    """

    number: int
    byte: int
    raw: bytes


def damaged(path: Path, what: str, fix: str = "write or download the file again") -> DataError:
    """The one refusal (F004) for a file whose content can't be what its form says."""
    found = f"{path.name} is damaged: {what}"
    return DataError("F004", found, expected="a whole file", fixes=(fix,), where=str(path))


def denied(path: Path, refusal: OSError) -> TunesmithError:
    """The error (F006) for a file that the system does not let us read."""
    return AccessError(
        "F006",
        f"can't read {path.name}: {refusal.strerror or refusal}",
        expected="a file that you may read",
        fixes=(f"ls -l '{path}'", f"chmod u+r '{path}'"),
        where=str(path),
    )


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file; gzip is known by its content.  Raises F004 (torn gzip), F006 (not readable)."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
            file.seek(0)
            if not zipped:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as plain:
                yield io.BufferedReader(plain)  # type: ignore[arg-type]
    except (EOFError, zlib.error, gzip.BadGzipFile) as torn:
        raise damaged(path, f"its gzip stream ends or breaks early ({torn})") from None
    except OSError as refusal:
        raise denied(path, refusal) from None


def sample(path: Path, size: int = SAMPLE) -> bytes:
    """The first bytes of a file, decompressed.  Raises as `opened`."""
    with opened(path) as file:
        return file.read(size)


def lines(path: Path, encoding: str, newline: bytes = b"\n") -> Iterator[Line]:
    """Every physical line in order, without a byte-order mark.  Memory: one line (at most MAX_ROW) and a chunk."""
    wide = encoding.startswith("utf-16")
    number = byte = 0
    with opened(path) as file:
        chunks = iter(lambda: file.read(_CHUNK), b"")
        for raw, size in _split(_narrow(chunks, encoding) if wide else chunks, newline):
            number += 1
            body = raw[len(_BOM) :] if number == 1 and raw.startswith(_BOM) else raw
            yield Line(number, byte, body)
            byte += _wide_size(raw) if wide else size


def sample_lines(content: bytes, encoding: str, newline: bytes = b"\n") -> Iterator[Line]:
    """As `lines`, for a sample of a file; the last line of a full sample, which may be torn, is left out."""
    chunks = iter([content])
    torn = len(content) >= SAMPLE
    for number, (raw, _) in enumerate(_split(_narrow(chunks, encoding), newline), start=1):
        if torn and not raw.endswith(newline):
            return
        yield Line(number, 0, raw[len(_BOM) :] if number == 1 and raw.startswith(_BOM) else raw)


def fragments(path: Path, encoding: str) -> Iterator[Line]:
    """As `lines`, but a long line comes in pieces, of which only the last has the line end: nothing is dropped."""
    with opened(path) as file:
        yield from _pieces(iter(lambda: file.read(_CHUNK), b""), encoding)


def sample_fragments(content: bytes, encoding: str) -> Iterator[Line]:
    """As `fragments`, for a sample of a file."""
    return _pieces(iter([content]), encoding)


def _pieces(chunks: Iterator[bytes], encoding: str) -> Iterator[Line]:
    wide = encoding.startswith("utf-16")
    number, byte = 1, 0
    for chunk in _narrow(chunks, encoding):
        for raw in _LF_LINES.findall(chunk):
            yield Line(number, byte, raw.removeprefix(_BOM) if byte == 0 else raw)
            number += raw.endswith(b"\n")
            byte += _wide_size(raw) if wide else len(raw)


def _split(chunks: Iterator[bytes], newline: bytes) -> Iterator[tuple[bytes, int]]:
    """(line, its size): a line over MAX_ROW is cut, its size is not."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        *whole, tail = chunk.split(newline)
        for part in whole:
            if held:
                line = b"".join([*held, part, newline])
                yield line, size + len(part) + 1
                held, size = [], 0
            else:
                yield part + newline, len(part) + 1
        if tail:
            size += len(tail)
            if size - len(tail) <= MAX_ROW:
                held.append(tail)
    if held:
        yield b"".join(held), size


def _narrow(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 as UTF-8; what is no UTF-16 becomes bytes that are no UTF-8 either: its row is found broken."""
    if not encoding.startswith("utf-16"):
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"


def _wide_size(raw: bytes) -> int:
    text = raw.removesuffix(b"\xff").decode("utf-8", "surrogatepass")
    return len(text.encode("utf-16-le", "surrogatepass"))
