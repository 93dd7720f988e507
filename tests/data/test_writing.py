from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data import source
from tunesmith.data.writing import SUFFIXES, write
from tunesmith.errors import UsageError
from tunesmith.fields import Record

PLAIN = [suffix for suffix in SUFFIXES if suffix != ".conll"]  # that one holds tokens and tags
ROWS = [{"text": 'a "quoted", text\nof two lines', "label": "x"}, {"text": "ü 漢 👍", "label": "y;z"}]


def back(path):
    found = list(source.rows(source.sniff(path)))
    good = [dict(row.fields) for row in found if isinstance(row, Record)]
    assert len(good) == len(found)
    return good


@pytest.mark.parametrize("suffix", PLAIN)
def test_what_is_written_is_read_again(tmp_path, suffix):
    path = tmp_path / f"rows{suffix}"
    write(path, ROWS)
    assert back(path) == ROWS


@pytest.mark.parametrize("suffix", PLAIN)
def test_the_same_rows_are_the_same_bytes(tmp_path, suffix):
    assert write(tmp_path / f"a{suffix}", ROWS) == write(tmp_path / f"b{suffix}", ROWS)


def test_nested_values_stay_whole(tmp_path):
    row = {"messages": [{"role": "user", "content": "hi"}], "n": 1}
    for suffix in (".jsonl", ".parquet"):
        write(tmp_path / f"a{suffix}", [row])
        assert back(tmp_path / f"a{suffix}") == [row]
    write(tmp_path / "a.csv", [row])
    assert json.loads(back(tmp_path / "a.csv")[0]["messages"]) == row["messages"]


def test_columns_of_mixed_kinds_become_text_in_parquet(tmp_path):
    write(tmp_path / "a.parquet", [{"x": 1}, {"x": "one"}, {"x": [1]}])
    assert [row["x"] for row in back(tmp_path / "a.parquet")] == ["1", "one", "[1]"]


def test_lone_surrogates_survive_in_jsonl(tmp_path):
    write(tmp_path / "a.jsonl.gz", [{"text": "\ud800 x"}])
    assert json.loads(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())) == {"text": "\ud800 x"}
    write(tmp_path / "a.csv", [{"text": "\ud800 x", "label": "a"}])
    assert "x" in (tmp_path / "a.csv").read_text("utf-8")


@pytest.mark.parametrize("name", ["rows.xlsx", "rows", ".csv", "rows.jsonl.zip"])
def test_other_kinds_are_refused(tmp_path, name):
    with pytest.raises(UsageError) as refusal:
        write(tmp_path / name, ROWS)
    assert refusal.value.code == "F038"
    assert not (tmp_path / name).exists()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_any_text_comes_back_from_jsonl(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("out") / "rows.jsonl"
    write(path, [{"text": text} for text in texts])
    assert [json.loads(line)["text"] for line in path.read_bytes().split(b"\n")[:-1]] == texts
