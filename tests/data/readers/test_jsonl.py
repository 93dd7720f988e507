"""JSON lines: strict rows, and arrays."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.readers.jsonl import Jsonl
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.inputs import streams
from tunesmith.parts import Dialect

GOOD = [{"text": f"Grüße {k}", "label": "a"} for k in range(4)]


def read(path: Path, content: bytes) -> list[Record | Broken]:
    path.write_bytes(content)
    return list(Jsonl().read(path, Jsonl().sniff(path)))


def dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


BAD = [
    (b'{"text": "a", "label": }', "not JSON"),
    (b'{"text": "a"', "not JSON"),
    (b'["text"]', "an array"),
    (b'"text"', "a string"),
    (b"null", "null"),
    (b"true", "a truth value"),
    (b'{"text": "a", "text": "b"}', "stands twice"),
    (b'{"text": "a", "n": {"k": 1, "k": 2}}', "stands twice"),
    (b'{"text": NaN}', "NaN is not JSON"),
    (b'{"text": -Infinity}', "-Infinity is not JSON"),
    (b'{"text": 1e999}', "too large"),
    (b'{"text": "\\ud800"}', "surrogate"),
    (b'{"text": ["\\udfff x"]}', "surrogate"),
    (b'{"text": "caf\xe9"}', "not UTF-8"),
    (b'{"text": "a\0b"}', "not JSON"),
    (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b'{"text": ' + b"[" * 200 + b"]" * 200 + b"}", "nested too deeply"),
    (b'{"text": ' + b"9" * 5000 + b"}", "number"),
    (b'{"text": "a"} {"text": "b"}', "not JSON"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_broken_line_is_reported_and_takes_no_other(path: Path, bad: bytes, reason: str) -> None:
    lines = [*map(dump, GOOD[:2]), bad, *map(dump, GOOD[2:])]
    rows = read(path, b"\n".join(lines) + b"\n")
    assert [row.fields for row in rows if isinstance(row, Record)] == GOOD
    (found,) = [row for row in rows if isinstance(row, Broken)]
    assert found.place.line == 3
    assert found.place.byte == sum(len(line) + 1 for line in lines[:2])
    assert reason in found.reason
    assert found.fix
    assert len(found.raw) <= 200


def test_values_stay_what_they_are(path: Path) -> None:
    row = {"a": 1, "b": 1.5, "c": True, "d": None, "e": ["x", "y"], "f": {"g": "h"}, "i": "\u2028\u0085"}
    rows = read(path, dump(row) + b"\r\n\n  \n" + dump({"j": 1}))
    assert [found.fields for found in rows if isinstance(found, Record)] == [row, {"j": 1}]
    assert [found.place.line for found in rows] == [1, 4]
    assert Jsonl().sniff(path).columns == (*"abcdefi", "j")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_marks_and_gzip_are_taken_off(path: Path, encoding: str, packed: bool) -> None:
    content = b"\n".join(map(dump, GOOD)).decode().encode(encoding)
    rows = read(path, gzip.compress(content) if packed else content)
    assert [row.fields for row in rows if isinstance(row, Record)] == GOOD


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.one_of(st.text(), st.integers(), st.booleans()), min_size=1)
    )
)
@settings(max_examples=100, deadline=None)
def test_reads_back_whatever_json_writes(tmp_path_factory: pytest.TempPathFactory, table: list[dict]) -> None:
    table = json.loads(json.dumps(table).encode("utf-8", "replace"))
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in table))
    rows = list(Jsonl().read(path, Dialect(("x",), {"encoding": "utf-8"})))
    assert [row.fields for row in rows if isinstance(row, Record)] == table


ARRAY = [{"text": f't{k} [x], \\ " {{', "label": "a", "more": [{"q": [1, {}]}]} for k in range(5)]


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_an_array_is_read_element_by_element(
    path: Path, indent: int | None, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_CHUNK", chunk)
    content = json.dumps(ARRAY, indent=indent).encode()
    rows = read(path, content)
    assert [row.fields for row in rows if isinstance(row, Record)] == ARRAY
    assert all(content[row.place.byte : row.place.byte + 1] == b"{" for row in rows)
    assert [row.place.line for row in rows] == [content[: row.place.byte].count(b"\n") + 1 for row in rows]


@pytest.mark.parametrize(
    "fault", [("t2 ", 't2" '), ('"more": [', '"more": [[['), ("}]}},", "}]}}}},"), ("[{", "{")]
)
def test_a_torn_element_takes_no_other(path: Path, fault: tuple[str, str]) -> None:
    lines = [json.dumps(row) for row in ARRAY]
    lines[2] = lines[2].replace(*fault) if fault[0] in lines[2] else lines[2] + "}}"
    rows = read(path, ("[\n" + ",\n".join(lines) + "\n]\n").encode())
    assert [row.fields for row in rows if isinstance(row, Record)] == [*ARRAY[:2], *ARRAY[3:]]
    assert [row.place.line for row in rows if isinstance(row, Broken)] == [4]


def test_a_first_row_longer_than_the_sample_is_read(path: Path) -> None:
    long = {"text": "x " * 700_000, "label": "a"}
    rows = read(path, dump(long) + b"\n" + dump(GOOD[0]))
    assert len([row for row in rows if isinstance(row, Record)]) == 2


@pytest.mark.parametrize("content", [b'{\n"a": 1\n}\n', b"text,label\na,b\n", b"[]", b"[1, 2]"])
def test_no_objects_is_a_refusal_that_says_what_is_wanted(path: Path, content: bytes) -> None:
    with pytest.raises(DataError) as refusal:
        read(path, content)
    assert refusal.value.code == "F007"
    assert refusal.value.fixes
