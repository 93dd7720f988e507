"""Plain text: a document a line, or a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data.readers.txt import Txt
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.parts import Dialect

WHOLE = Dialect(("text",), {"whole": True})


def texts(path: Path, content: bytes, dialect: Dialect | None = None) -> list[str]:
    path.write_bytes(content)
    rows = list(Txt().read(path, dialect or Txt().sniff(path)))
    return [row.fields["text"] if isinstance(row, Record) else f"broken: {row.reason}" for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = "Grüße an alle\r\n\r\ncafé, bitte\r\n" * 3
    assert texts(tmp_path / "t.txt", content.encode(encoding)) == ["Grüße an alle", "café, bitte"] * 3
    assert texts(tmp_path / "t.txt", content.encode(encoding), WHOLE) == [content.rstrip("\r\n")]


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    assert texts(tmp_path / "t.txt", "a\u2028b\u0085c\x0bd\ne".encode()) == ["a\u2028b\u0085c\x0bd", "e"]
    assert texts(tmp_path / "t.txt", b"old\rMac\r") == ["old", "Mac"]


def test_broken_lines_and_files(tmp_path: Path) -> None:
    found = texts(tmp_path / "t.txt", "é\n".encode() * 9 + b"a\xff\nb\0\nc\n")
    assert [text[:6] for text in found[9:]] == ["broken", "broken", "c"]
    assert texts(tmp_path / "t.txt", b"\xff\xfea", WHOLE) == ["broken: the file is not UTF-16"]
    assert texts(tmp_path / "t.txt", bytes(range(9)) * 9, WHOLE)[0].startswith("broken: the file is not text")
    with pytest.raises(DataError, match="F004"):
        texts(tmp_path / "t.txt", bytes(range(9)) * 9)


def test_an_empty_document_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"")
    (row,) = Txt().read(tmp_path / "t.txt", WHOLE)
    assert isinstance(row, Record) and not isinstance(row, Broken)
    assert row.fields == {"text": ""}
