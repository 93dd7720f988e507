"""Plain text (also .gz): one document a line, a paragraph of wrapped lines, or a file where a folder holds one each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.streams import MAX_ROW, Line, damaged, lines, opened, sample
from tunesmith.parts import Dialect, Reader

_SPACE = b" \t\r\n"
WIDE, LINES, FEWEST = (
    100,
    3,
    5,
)  # bytes of a wrapped line at most, lines of a paragraph on average, paragraphs


class Txt(Reader):
    """The one column is `text`; lines without a character are passed over.

    Details: encoding, newline, whole (the file is one row), wrapped (a row is what stands between two empty lines).
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".text")

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (not text)."""
        content = sample(path)
        if is_binary(content):
            raise damaged(path, "it is not text", "save it as text (UTF-8)")
        newline = "\r" if b"\r" in content and b"\n" not in content else "\n"
        form = sniff_encoding(content)
        plain = not form["encoding"].startswith("utf-16")
        wrapped = {"wrapped": True} if plain and _is_wrapped(content, newline.encode()) else {}
        return Dialect(("text",), {**form, "newline": newline, **wrapped})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 or F006 where the file itself gives out, never for a row."""
        if dialect.details.get("whole"):
            yield from _whole(path)
            return
        details = dialect.details
        encoding = details.get("encoding", "utf-8")
        found = lines(path, encoding, details.get("newline", "\n").encode())
        for line in _paragraphs(found) if details.get("wrapped") else found:
            if line.raw.strip(_SPACE):
                yield _row(line, _inner(encoding), str(path))


def _is_wrapped(content: bytes, newline: bytes) -> bool:
    """Whether lines were broken by hand, as in books: short lines, several to a paragraph, empty lines between."""
    found = [line.strip(_SPACE) for line in content.split(newline)]
    full = [line for line in found if line]
    paragraphs = sum(1 for one, other in zip(["", *found], found, strict=False) if other and not one)
    narrow = sum(len(line) <= WIDE for line in full) >= 0.98 * len(full)
    return paragraphs >= FEWEST and narrow and len(full) >= LINES * paragraphs


def _paragraphs(found: Iterator[Line]) -> Iterator[Line]:
    """Lines between two empty ones as one, which stands where its first line does."""
    held: list[Line] = []
    for line in found:
        if line.raw.strip(_SPACE):
            held.append(line)
        elif held:
            yield _together(held)
            held = []
    if held:
        yield _together(held)


def _together(held: list[Line]) -> Line:
    return Line(held[0].number, held[0].byte, b"\n".join(line.raw.rstrip(b"\r\n") for line in held))


def _inner(encoding: str) -> str:
    return "utf-8" if encoding.startswith("utf-16") else encoding


def _row(line: Line, encoding: str, source: str) -> Record | Broken:
    place = Place(source, line.number, line.byte)
    if len(line.raw) > MAX_ROW:
        return _broken(line.raw, place, f"the row is longer than {MAX_ROW // 1_000_000} MB", "shorten it")
    try:
        text = line.raw.decode(encoding)
    except UnicodeDecodeError as damage:
        found = f"byte 0x{line.raw[damage.start]:02x} at column {damage.start + 1} is not {encoding.upper()}"
        return _broken(line.raw, place, found, "save the file as UTF-8")
    if "\0" in text:
        return _broken(line.raw, place, "the line holds a NUL byte", "remove the NUL byte")
    return Record({"text": text.rstrip("\r\n")}, place)


def _broken(raw: bytes, place: Place, reason: str, fix: str) -> Broken:
    return Broken(place, reason, fix, raw[:800].decode("utf-8", "replace").strip()[:200])


def _whole(path: Path) -> Iterator[Record | Broken]:
    with opened(path) as file:
        content = file.read(MAX_ROW + 1)
    encoding = sniff_encoding(content[: 1 << 20])["encoding"]
    if is_binary(content):
        yield _broken(content, Place(str(path), 1, 0), "the file is not text", "save it as text (UTF-8)")
        return
    if not encoding.startswith("utf-16"):
        yield _row(Line(1, 0, content.removeprefix(b"\xef\xbb\xbf")), encoding, str(path))
        return
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding)
        yield Record({"text": text.rstrip("\r\n")}, Place(str(path), 1, 0))
    except UnicodeDecodeError:
        yield _broken(content, Place(str(path), 1, 0), "the file is not UTF-16", "save it as UTF-8")
