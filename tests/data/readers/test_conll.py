"""CoNLL text: columns, tabs, documents, and lines that are no token."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tunesmith.data.readers.conll import Conll
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record

CONLL2003 = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n"
STUDIO = "-DOCSTART- -X- O\nNew -X- _ B-LOC\nYork -X- _ I-LOC\n\nis -X- _ O\n"


def read(path: Path, content: bytes) -> list[Record | Broken]:
    path.write_bytes(content)
    return list(Conll().read(path, Conll().sniff(path)))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_sentences_of_conll_2003(tmp_path: Path, packed: bool, encoding: str, ending: str) -> None:
    content = CONLL2003.replace("\n", ending).encode(encoding)
    rows = read(tmp_path / "t.conll", gzip.compress(content) if packed else content)
    assert [row.fields for row in rows if isinstance(row, Record)] == [
        {"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"]},
        {"tokens": ["Peter"], "tags": ["B-PER"]},
    ]
    assert [row.place.line for row in rows] == [3, 6]


def test_what_label_studio_exports(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.conll", STUDIO.encode())
    assert [row.fields["tokens"] for row in rows if isinstance(row, Record)] == [["New", "York"], ["is"]]


def test_tabs_keep_blanks_in_tokens(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "t.iob", "New York\tB-LOC\ne\u2028mail\u00a0x\tO\n".encode())
    assert isinstance(row, Record)
    assert row.fields["tokens"] == ["New York", "e\u2028mail\u00a0x"]


@pytest.mark.parametrize("content", [b"alone\n", b"one\n\ntwo\n"])
def test_no_tags_is_a_refusal(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError) as refusal:
        read(tmp_path / "t.conll", content)
    assert refusal.value.code == "F007"
