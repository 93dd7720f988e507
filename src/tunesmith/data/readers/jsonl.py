"""JSON objects, one a line (also gzipped), or one JSON array of objects."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.encoding import is_binary, sniff_encoding
from tunesmith.inputs.jsonarrays import elements
from tunesmith.inputs.jsonvalues import BadValue, parse_object
from tunesmith.inputs.streams import (
    MAX_ROW,
    Line,
    damaged,
    fragments,
    lines,
    sample,
    sample_fragments,
    sample_lines,
)
from tunesmith.parts import Dialect, Reader

_SPACE = b" \t\r\n"


class Jsonl(Reader):
    """Lines end at LF only.  Values stay as they are: strings, numbers, booleans, null, lists, objects."""

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")

    def sniff(self, path: Path) -> Dialect:
        """Columns: the keys of all objects in the first megabyte.  Raises F004 (not text), F007 (no objects)."""
        content = sample(path)
        if is_binary(content):
            raise damaged(path, "it is not text", "save it as JSON lines (UTF-8)")
        found = sniff_encoding(content)
        if not found["encoding"].startswith("utf-16"):  # JSON is UTF-8: other bytes are broken rows
            found = {"encoding": "utf-8", "bom": found["bom"]}
        encoding = found["encoding"]
        filled = (line.raw.lstrip(_SPACE) for line in sample_fragments(content, encoding))
        array = next(filter(None, filled), b"").startswith(b"[")
        whole = elements(sample_fragments(content, encoding)) if array else sample_lines(content, encoding)
        columns = keys_of(whole) or keys_of(itertools.islice(_elements(path, encoding, array), 1))
        if not columns:
            raise _no_objects(path)
        return Dialect(tuple(columns), {**found, "array": array, "sometimes": sometimes(columns)})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 or F006 where the file itself gives out, never for a row."""
        details = dialect.details
        for line in _elements(path, details.get("encoding", "utf-8"), details.get("array", False)):
            if line.raw.strip(_SPACE):
                yield row_of(line, str(path))


def row_of(line: Line, source: str) -> Record | Broken:
    """The row that a line, or an element of an array, holds."""
    place = Place(source, line.number, line.byte)
    try:
        if len(line.raw) > MAX_ROW:
            raise BadValue(f"the row is longer than {MAX_ROW // 1_000_000} MB", "shorten it")
        return Record(parse_object(line.raw), place)
    except BadValue as bad:
        raw = line.raw[:800].decode("utf-8", "replace").strip()[:200]
        return Broken(place, bad.reason, bad.fix, raw)


def _elements(path: Path, encoding: str, array: bool) -> Iterator[Line]:
    return elements(fragments(path, encoding)) if array else lines(path, encoding)


def keys_of(rows: Iterable[Line]) -> Counter[str]:
    """The keys of all rows that are sound, in order of appearance, and in how many rows they stand."""
    keys: Counter[str] = Counter()
    for line in rows:
        with contextlib.suppress(BadValue):
            keys.update(parse_object(line.raw).keys())
    return keys


def sometimes(keys: Mapping[str, int]) -> list[str]:
    """The keys that not every row has."""
    most = max(keys.values(), default=0)
    return [key for key, count in keys.items() if count < most]


def _no_objects(path: Path) -> DataError:
    return DataError(
        "F007",
        f"{path.name} holds no JSON object on a line of its own",
        expected='one object a line, such as {"text": "…", "label": "…"}, or an array of objects',
        fixes=(f"jq -c '.[]' '{path}' > rows.jsonl", f"head -c 300 '{path}'"),
        where=f"{path}:1",
    )
