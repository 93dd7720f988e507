"""The same findings wherever parts of the rows are looked at: here, in processes, on Ray's workers."""

from __future__ import annotations

import random

import pytest

from data.rows import records, sentences
from tunesmith import doors
from tunesmith.data import checking, scaling
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.stored import Rows

CONTENT = Labelled()


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """1,500 rows on disk with faults of many kinds, so that they come in several parts."""
    rng, texts = random.Random(7), sentences(1300)
    pairs = [(text, f"class {n % 5}") for n, text in enumerate(texts)]
    pairs += [(rng.choice(texts) + rng.choice(["", "!", " \u200b"]), f"Class {n % 5}") for n in range(150)]
    pairs += [
        ("write to jo@example.org", None),
        ("", "class 1"),
        ("ok", "class 9"),
        ("caf\u00c3\u00a9", "class 2"),
    ] * 12
    rng.shuffle(pairs)
    with Rows(tmp_path_factory.mktemp("rows")) as taken:
        for row in records(*pairs):
            taken.add(row)
    return taken.sequence()


@pytest.fixture(scope="module")
def plain(rows):
    return checking.check(list(rows), CONTENT)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(checking, "PART", 400)


def test_rows_on_disk_and_in_memory_have_the_same_findings(rows, plain):
    assert len({finding.code for finding in plain}) > 6
    assert checking.check(rows, CONTENT) == plain


def test_processes_find_the_same(rows, plain):
    assert checking.check(rows, CONTENT, mapper=scaling.processes(2)) == plain


def test_ray_finds_the_same(rows, plain):
    if not doors.has("ray"):
        pytest.skip('needs the extra `distributed`: pip install "tunesmith[distributed]"')
    assert checking.check(rows, CONTENT, mapper=scaling.ray(2)) == plain
