"""Splits tagged text into sentences: a token and its tag a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tunesmith.fields import Broken
from tunesmith.findings import Place
from tunesmith.inputs.streams import MAX_ROW, Line

MAX_TOKENS = 100_000
_BLANKS = re.compile(r"[ \t]+")
_TAG = re.compile(r"O|[BIESLUM]-\S{1,100}")
_UNDECODED = re.compile("[\udc80-\udcff]")
_SPACE = b" \t\r\n"
_DOCUMENT = b"-DOCSTART-"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tagged file is written.  columns: of each line, of which the first is the token and the last its tag.

    tabs: a tab stands between columns, so a token may hold blanks.  prefixed: tags are O or like B-person.
    """

    encoding: str = "utf-8"
    columns: int = 2
    tabs: bool = False
    prefixed: bool = True


@dataclass(slots=True)
class Sentence:
    """The tokens and tags that stand below `first`, the line of its first token."""

    first: Line
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    broken: Broken | None = None


def layout(lines: Sequence[Line], encoding: str, *, doubt: bool) -> Layout | None:
    """How the lines are written, or None where they are no tagged text.

    doubt: the file's name does not say that it is one, so nearly all tags must look like tags and some must name
    an entity.
    """
    bare = [line for line in lines if line.raw.strip(_SPACE) and not line.raw.startswith(_DOCUMENT)]
    texts = [line.raw.decode(encoding, "replace").strip("\r\n") for line in bare[:2000]]
    texts = [text for text in texts if not _is_comment(text)]
    tabs = 2 * sum("\t" in text for text in texts) > len(texts)
    rows = [_columns(text, tabs) for text in texts]
    widths = [len(row) for row in rows if len(row) > 1]
    if not widths:
        return None
    columns = max(sorted(set(widths)), key=widths.count)
    tags = [row[-1] for row in rows if len(row) == columns]
    shaped = sum(bool(_TAG.fullmatch(tag)) for tag in tags)
    named = shaped - tags.count("O")
    if doubt and (shaped < 0.9 * len(rows) or not named):
        return None
    return Layout(encoding, columns, tabs, shaped >= 0.9 * len(tags))


def sentences(lines: Iterator[Line], form: Layout, source: str) -> Iterator[Sentence | Broken]:
    """Each sentence in file order; one with a faulty line is broken, and its place is that line."""
    held: Sentence | None = None
    for line in lines:
        if not line.raw.strip(_SPACE) or line.raw.startswith(_DOCUMENT):
            yield from _done(held)
            held = None
            continue
        held = held or Sentence(line)
        if held.broken is None:
            _take(held, line, form, source)
    yield from _done(held)


def _done(held: Sentence | None) -> Iterator[Sentence | Broken]:
    if held and (held.broken or held.tokens):
        yield held.broken or held


def _take(held: Sentence, line: Line, form: Layout, source: str) -> None:
    text = line.raw.decode(form.encoding, "surrogateescape").strip("\r\n")
    row = _columns(text, form.tabs)
    if _is_comment(text) and not held.tokens and len(row) != form.columns:
        return
    if problem := _damage(line, text, form) or _misfit(row, form, len(held.tokens)):
        raw = line.raw[:800].decode("utf-8", "replace").strip()[:200]
        held.broken = Broken(Place(source, line.number, line.byte), *problem, raw)
        return
    held.first = held.first if held.tokens else line
    held.tokens.append(row[0])
    held.tags.append(row[-1])


def _damage(line: Line, text: str, form: Layout) -> tuple[str, str] | None:
    """(what is wrong with the bytes of a line, what to do about it)."""
    if len(line.raw) > MAX_ROW:
        return f"the line is longer than {MAX_ROW // 1_000_000} MB", "shorten it"
    if not text.isascii() and _UNDECODED.search(text):
        return f"the line is not {form.encoding.upper()}", "save the file as UTF-8"
    return ("the line holds a NUL byte", "remove the NUL byte") if "\0" in text else None


def _misfit(row: Sequence[str], form: Layout, before: int) -> tuple[str, str] | None:
    """(why a line is no token with its tag, what to do about it)."""
    if before >= MAX_TOKENS:
        return f"a sentence of more than {MAX_TOKENS:,} tokens", "put a blank line between sentences"
    if len(row) != form.columns or not row[0]:
        found = "1 column" if len(row) == 1 else f"{len(row)} columns"
        return f"{found} where the others have {form.columns}", "write a token and its tag on the line"
    if form.prefixed and not _TAG.fullmatch(row[-1]):
        return "the last column is no tag", "write O, or a tag such as B-person"
    return None


def _columns(text: str, tabs: bool) -> list[str]:
    if tabs:
        return [column.strip(" ") for column in text.split("\t")]
    return _BLANKS.split(text.strip(" \t"))


def _is_comment(text: str) -> bool:
    return text.startswith("# ") and ("=" in text or text.count(" ") > 2)
