"""JSON files: arrays, one object that holds a list, and lines under the wrong suffix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.readers import json as module
from tunesmith.data.readers.json import Json
from tunesmith.errors import CapacityError, DataError
from tunesmith.fields import Broken, Record

ROWS = [{"text": f"Grüße [{k}], {{", "label": "a", "more": [{"k": [k]}]} for k in range(4)]


def read(path: Path, content: str | bytes) -> list[Record | Broken]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(Json().read(path, Json().sniff(path)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: {"v": [1, "["], "data": rows, "end": {"x": [3]}}]
)
def test_an_array_and_an_object_with_one_list(path: Path, indent: int | None, encoding: str, wrap) -> None:
    content = json.dumps(wrap(ROWS), indent=indent, ensure_ascii=False).encode(encoding)
    rows = read(path, content)
    assert [row.fields for row in rows if isinstance(row, Record)] == ROWS
    assert not [row for row in rows if isinstance(row, Broken)]
    if encoding == "utf-8":
        assert all(content[row.place.byte : row.place.byte + 1] == b"{" for row in rows)
        assert [row.place.line for row in rows] == [
            content[: row.place.byte].count(b"\n") + 1 for row in rows
        ]


def test_lines_are_read_as_lines(path: Path) -> None:
    assert len(read(path, "".join(json.dumps(row) + "\n" for row in ROWS))) == 4
    assert [
        row.fields for row in read(path, json.dumps({"data": ROWS}) + "\n" + json.dumps({"data": []}))
    ] == [
        {"data": ROWS},
        {"data": []},
    ]


def test_one_conversation_is_one_row(path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    assert [each.fields for each in read(path, json.dumps(row))] == [row]


@pytest.mark.parametrize(
    "fault", ['"t" 2', "1e999", '{"a": 1, "a": 2}', "NaN", '"\\ud800"', "[" * 100_000 + "]" * 100_000]
)
def test_a_broken_element_takes_no_other(path: Path, fault: str) -> None:
    lines = [json.dumps(row) for row in ROWS]
    lines[1] = '{"text": "x", "label": ' + fault + "}"
    rows = read(path, '{"data": [\n  ' + ",\n  ".join(lines) + '\n], "other": [1]}')
    assert [row.fields for row in rows if isinstance(row, Record)] == [ROWS[0], *ROWS[2:]]
    assert [row.place.line for row in rows if isinstance(row, Broken)] == [3]


def test_several_lists_are_named(path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        read(path, json.dumps({"train": ROWS, "test": ROWS, "tags": ["a"]}))
    assert refusal.value.code == "F041"
    assert "train, test" in refusal.value.found


@pytest.mark.parametrize(
    "content", ['{"a": {"b": 1}, "c": [1, 2]}\n', "{", '{\n"a": 1\n}', "[1, 2]", '{"a": [{]}']
)
def test_no_table_is_a_refusal_or_one_row(path: Path, content: str) -> None:
    try:
        assert len(read(path, content)) == 1
    except DataError as refusal:
        assert refusal.code == "F007"


def test_an_object_too_large_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with pytest.raises(CapacityError) as refusal:
        read(path, json.dumps({"data": ROWS * 10}, indent=1))
    assert refusal.value.code == "F019"
    assert len(read(path, json.dumps(ROWS * 10))) == 40


@given(st.text(st.sampled_from('{}[]":,a1\\\n t'), max_size=60))
@settings(max_examples=300, deadline=None)
def test_anything_is_rows_or_one_refusal(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    try:
        assert all(isinstance(row, (Record, Broken)) for row in read(path, '{"d": [' + content))
    except DataError as refusal:
        assert refusal.code in ("F007", "F041")
