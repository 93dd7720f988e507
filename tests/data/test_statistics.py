from __future__ import annotations

import pytest

from data.rows import records
from tunesmith.data.contents.chat import Chat
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.statistics import scripts, statistics, tokens
from tunesmith.fields import Record


def test_labels_lengths_duplicates_and_sides():
    rows = records(
        ("one two three", "b"), ("One  two three", "b"), ("four", "a"), ("", ""), ("five six", "b")
    )
    found = statistics(rows, Labelled(), ["train", "train", "test", "", "train"])
    assert found["rows"] == 5
    assert list(found["labels"]) == ["b", "a"]
    assert found["labels"]["b"] == {"rows": 3, "share": 0.6}
    assert found["unlabelled"] == 1
    assert found["lengths"]["text"]["max"] == 14
    assert found["duplicates"] == {"exact": 1, "near": 1}
    assert found["sides"]["train"] == {"rows": 3, "labels": {"b": 3}}
    assert found["sides"]["none"]["rows"] == 1
    assert list(found["sides"]) == ["train", "test", "none"]
    assert found["tokens"] > 0


def test_conversations_have_answers_instead_of_labels():
    rows = [Record(fields) for fields in Chat().samples()]
    found = statistics(rows, Chat())
    assert "labels" not in found
    assert found["answered"] == len(rows)
    assert found["lengths"]["answer"]["max"] > found["lengths"]["answer"]["min"] > 0
    assert "sides" not in found


def test_no_rows_have_figures_too():
    assert statistics([], Labelled())["rows"] == 0
    assert statistics([], Chat())["lengths"]["answer"] == {}


def test_scripts_are_told_by_their_letters():
    found = scripts(["hello", "héllo", "привет", "こんにちは", "漢字漢字", "١٢٣ مرحبا", "123", ""])
    assert found == {"Latin": 2, "": 2, "Cyrillic": 1, "Hiragana": 1, "CJK": 1, "Arabic": 1}


@pytest.mark.parametrize(
    ("text", "least", "most"), [("", 0, 0), ("a", 1, 1), ("word " * 100, 100, 150), ("漢字" * 50, 90, 110)]
)
def test_tokens_are_about_right(text, least, most):
    assert least <= tokens(text) <= most
