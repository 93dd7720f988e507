"""Texts as passages: whole paragraphs up to a size, each with the line where it begins, with some overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_ENDS = (re.compile(r"[.!?…。！？]['\")\]»”]*\s|\n"), re.compile(r"\s"))  # where a long paragraph is best cut


@dataclass(frozen=True, slots=True)
class Passage:
    """text: a part of a document.  line: where it begins, from 1."""

    text: str
    line: int


def chunks(text: str, *, size: int = 800, overlap: int = 150) -> list[Passage]:
    """The passages of a text, at most `size` characters each.

    Paragraphs (blank lines are between them) stay whole where they can; longer ones are cut at ends of sentences.
    overlap: how many characters at the end of a passage may stand at the beginning of the next one as well.
    """
    found: list[Passage] = []
    held: list[Passage] = []
    for piece in _pieces(text.replace("\r\n", "\n").replace("\r", "\n"), size, overlap):
        if held and _length([*held, piece]) > size:
            found.append(_joined(held))
            held = _tail(held, min(overlap, size - len(piece.text) - 2))
        held.append(piece)
    return [*found, _joined(held)] if held else found


def _pieces(text: str, size: int, overlap: int) -> Iterator[Passage]:
    """Paragraphs, and parts of those that are longer than a passage."""
    start, line = 0, 1
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        for first, last in _cuts(text, start, end, size, overlap):
            part = text[first:last]
            bare = part.lstrip()
            if bare:
                begins = first + len(part) - len(bare)
                yield Passage(bare.rstrip(), line + text.count("\n", start, begins))
        line += text.count("\n", start, gap.end() if gap else end)
        start = gap.end() if gap else end


def _cuts(text: str, start: int, end: int, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """(first, behind the last) of parts of a paragraph, each at most `size` long."""
    while end - start > size:
        cut = _end(text, start + size // 2, start + size)
        yield start, cut
        back = max(cut - min(overlap, size // 4), start + 1)
        start = next((each.end() for each in [_ENDS[1].search(text, back, cut)] if each), cut)
    yield start, end


def _end(text: str, least: int, most: int) -> int:
    """The last end of a sentence between two places, else of a word, else the second place."""
    for pattern in _ENDS:
        if ends := [each.end() for each in pattern.finditer(text, least, most)]:
            return ends[-1]
    return most


def _tail(held: list[Passage], room: int) -> list[Passage]:
    """The last pieces that fit."""
    count = 0
    while count < len(held) - 1 and _length(held[len(held) - count - 1 :]) <= room:
        count += 1
    return held[len(held) - count :]


def _length(pieces: list[Passage]) -> int:
    return sum(len(piece.text) + 2 for piece in pieces) - 2


def _joined(pieces: list[Passage]) -> Passage:
    return Passage("\n\n".join(piece.text for piece in pieces), pieces[0].line)
