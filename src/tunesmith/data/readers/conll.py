"""CoNLL text (also .gz): a token and its tag a line, a blank line between sentences, `-DOCSTART-` between texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.streams import damaged, lines, sample, sample_lines
from tunesmith.inputs.tagged import Layout, layout, sentences
from tunesmith.parts import Dialect, Reader


class Conll(Reader):
    """A row is a sentence, its columns are `tokens` and `tags` (lists of equal length); its line is the first token's.

    Where lines have more than two columns, the first is the token and the last the tag.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".conll", ".iob", ".iob2", ".bio", ".bilou")

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (not text), F007 (no line with a token and a tag)."""
        content = sample(path)
        if is_binary(content):
            raise damaged(path, "it is not text", "save it as text (UTF-8)")
        found = sniff_encoding(content)
        top = list(sample_lines(content, found["encoding"])) or list(
            itertools.islice(lines(path, found["encoding"]), 2)
        )
        form = layout(top, _inner(found["encoding"]), doubt=False)
        if form is None:
            raise DataError(
                "F007",
                f"{path.name} holds no line with a token and a tag",
                expected="a token and its tag a line, a blank line between sentences",
                fixes=(f"head -n 5 '{path}'",),
                where=f"{path}:1",
            )
        how = {"width": form.columns, "tabs": form.tabs, "prefixed": form.prefixed}
        return Dialect(("tokens", "tags"), {**found, **how})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 or F006 where the file itself gives out, never for a row."""
        details, source = dialect.details, str(path)
        form = Layout(_inner(details["encoding"]), details["width"], details["tabs"], details["prefixed"])
        for row in sentences(lines(path, details["encoding"]), form, source):
            if isinstance(row, Broken):
                yield row
            else:
                place = Place(source, row.first.number, row.first.byte)
                yield Record({"tokens": row.tokens, "tags": row.tags}, place)


def _inner(encoding: str) -> str:
    return "utf-8" if encoding.startswith("utf-16") else encoding
