"""General text: what a regularizer learns from and what forgetting is measured on have no row in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.lifecycle import general
from tunesmith.recipe.sections import General


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "general.jsonl"
    rows = (
        {"text": f"The baker of house {number} opens at {number % 12} in the morning."}
        for number in range(60)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def keys(texts: Path, home: Path, *, rows: int, rehearse: bool) -> list[str]:
    section = General(source=str(texts), rows=rows)
    return [row.key for row in general.given(section, home, rehearse=rehearse)]


def test_a_file_is_divided_by_the_keys_of_its_rows(texts: Path, tmp_path: Path) -> None:
    learnt, measured = (keys(texts, tmp_path, rows=60, rehearse=each) for each in (True, False))
    assert not set(learnt) & set(measured)
    assert len(learnt) + len(measured) == 60 and min(len(learnt), len(measured)) > 15


def test_so_many_rows_are_taken_as_are_asked_for_and_always_the_same(texts: Path, tmp_path: Path) -> None:
    few, more = (keys(texts, tmp_path, rows=count, rehearse=False) for count in (5, 12))
    assert len(few) == 5 and more[:5] == few
    shuffled = texts.with_name("shuffled.jsonl")
    shuffled.write_text(
        "".join(reversed(texts.read_text("utf-8").splitlines(keepends=True))), encoding="utf-8"
    )
    assert keys(shuffled, tmp_path, rows=5, rehearse=False) == few
