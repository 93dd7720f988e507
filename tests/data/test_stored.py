"""Rows on disk: the same rows as in memory, in any order, with little memory, gone when nobody needs them."""

from __future__ import annotations

import gc
import pickle

from hypothesis import given
from hypothesis import strategies as st

from data.rows import records, sentences
from tunesmith.data.stored import Rows, StoredRows
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place


def kept(rows, folder):
    with Rows(folder) as taken:
        for row in rows:
            taken.add(row)
    return taken.sequence()


@given(st.lists(st.tuples(st.text(), st.none() | st.text(max_size=5)), max_size=30))
def test_any_rows_come_back_equal(tmp_path_factory, pairs):
    rows = records(*pairs, ("\ud800 half", "a"), ("line\u2028end\n", "b"))
    found = kept(rows, tmp_path_factory.mktemp("rows"))
    assert list(found) == rows
    assert [row.place for row in found] == [row.place for row in rows]
    assert [found[n] for n in range(-len(rows), len(rows))] == rows + rows
    assert found[1:-1] == rows[1:-1]
    assert found[::-2] == rows[::-2]
    assert found[5:2] == []


def test_in_memory_without_a_folder():
    rows = records(("a", "b"))
    with Rows() as taken:
        taken.add(rows[0])
        assert len(taken) == 1
    assert taken.sequence() == rows


def test_nested_fields_and_many_rows(tmp_path):
    turns = {"messages": [{"role": "user", "content": text} for text in sentences(3)], "n": 1.5, "no": None}
    rows = [Record(turns, Place("chat.jsonl", n, n * 7), row_key(turns)) for n in range(1, 250_001)]
    found = kept(rows, tmp_path)
    assert isinstance(found, StoredRows)
    assert len(found) == 250_000
    assert found[249_999] == rows[-1]
    assert found[99_990:100_010] == rows[99_990:100_010]
    assert sum(1 for _ in found) == 250_000


def test_a_part_is_read_by_whoever_has_the_disk(tmp_path):
    rows = records(*((text, "a") for text in sentences(50)))
    found = kept(rows, tmp_path)
    assert isinstance(found, StoredRows)
    part = pickle.loads(pickle.dumps(found.part(10, 20)))
    assert list(part) == rows[10:20]


def test_the_file_goes_with_the_rows_and_after_a_failure(tmp_path):
    found = kept(records(("a", "b")), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    del found
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    try:
        with Rows(tmp_path) as taken:
            taken.add(records(("a", "b"))[0])
            raise RuntimeError
    except RuntimeError:
        pass
    assert list(tmp_path.iterdir()) == []
