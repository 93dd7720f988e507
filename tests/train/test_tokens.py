"""Tokens are made once: over epochs, and on disk for the next run; chance is never remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature import fit, job, weights
from tunesmith import catalog
from tunesmith.errors import CapacityError
from tunesmith.events import Event, Note
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.parts import Codec, Draw, Example, Job
from tunesmith.store import files
from tunesmith.train import tokens

pytestmark = pytest.mark.neural


def last(steps: Any) -> tuple[list[Event], Any]:
    """(events, what a generator returns)"""
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as ended:
            return events, ended.value


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The key of every row that is made into tokens."""
    seen: list[str] = []
    task = catalog.part("task", "text-classification")
    encode = task.encode

    def noted(self: Any, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        seen.append(record.key)
        return encode(self, record, codec, draw)

    monkeypatch.setattr(task, "encode", noted)
    return seen


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The miniature's rows are worth a file."""
    monkeypatch.setattr(tokens, "FEWEST", 8)


def test_epochs_make_no_row_twice(tmp_path: Path, counted: list[str]) -> None:
    made = job(tmp_path, approach={"name": "tune", "head": "random"})
    fit(made)
    assert sorted(counted) == sorted(record.key for record in [*made.train, *made.validation])


def test_chance_is_drawn_anew_in_each_epoch(tmp_path: Path) -> None:
    made = job(tmp_path, task={"name": "masked-language-model"})
    lesson: Any = made.task
    remembered = tokens.Remembered(lesson, made.codec)
    for epoch in (0, 1):
        draw = Draw(0, epoch)
        for record in made.train:
            assert remembered.encode(record, made.codec, draw) == lesson.encode(record, made.codec, draw)
    assert remembered.known(made.train) is None


def test_another_codec_and_rows_without_key_are_not_remembered(tmp_path: Path, counted: list[str]) -> None:
    made = job(tmp_path)
    remembered = tokens.Remembered(made.task, made.codec)  # pyright: ignore[reportArgumentType]
    longer = made.codec.with_settings(max_length=5)
    nameless = replace(made.train[0], key="")
    for record, codec in ((made.train[0], longer), (made.train[0], made.codec), (nameless, made.codec)) * 2:
        found = remembered.encode(record, codec, None)
        assert found == made.task.encode(record, codec, None)
    assert len(counted) == 6 + 5


@pytest.mark.usefixtures("few")
def test_a_later_run_makes_no_tokens(tmp_path: Path, counted: list[str]) -> None:
    def one(folder: str) -> Job:
        made = job(tmp_path / folder, approach={"name": "tune", "head": "random"})
        return replace(made, cache=tmp_path / "cache")

    first, second = one("0"), one("1")
    fit(first)
    counted.clear()
    fit(second)
    assert sorted(counted) == sorted(record.key for record in second.validation)
    assert weights(second) == weights(first)


def changes(folder: Path) -> dict[str, Job]:
    """Jobs whose tokens are others, by what differs."""
    made = job(folder)
    spaced = made.codec.files["tokenizer.json"] + b" "
    record = made.train[0]
    row = {**record.fields, "text": "another text"}
    return {
        "tokenizer": replace(made, codec=Codec(made.codec.settings, {"tokenizer.json": spaced})),
        "window": replace(made, codec=made.codec.with_settings(max_length=5)),
        "weights": replace(made, codec=made.codec.with_settings(balance="weights")),
        "row": replace(made, train=[Record(row, Place("x", 1), row_key(row)), *made.train[1:]]),
        "order": replace(made, train=made.train[::-1]),
        "task": job(folder, task={"name": "text-classification", "pooling": "first"}),
    }


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("what", ["tokenizer", "window", "weights", "row", "order", "task"])
def test_a_foreign_file_is_never_read(tmp_path: Path, what: str) -> None:
    made, other = job(tmp_path), changes(tmp_path)[what]
    for each in (made, other):
        _, found = last(tokens.remembered(each, each.task))  # pyright: ignore[reportArgumentType]
        for record in each.train:
            mine = found.encode(record, each.codec, Draw(0, 0))
            assert mine == each.task.encode(record, each.codec, Draw(0, 0))
    assert len(list((tmp_path / "cache" / "tokens").iterdir())) == 2


@pytest.mark.usefixtures("few")
def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    made: Any = job(tmp_path)
    last(tokens.remembered(made, made.task))
    (victim,) = (tmp_path / "cache" / "tokens").rglob("tensors.safetensors")
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x07")
    events, found = last(tokens.remembered(made, made.task))
    assert any("set aside" in event.text for event in events if isinstance(event, Note))
    for record in made.train:
        assert found.encode(record, made.codec, Draw(0, 3)) == made.task.encode(
            record, made.codec, Draw(0, 3)
        )


@pytest.mark.usefixtures("few")
def test_without_room_nothing_is_kept_and_all_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> str:
        raise CapacityError("R601", "no room to write", expected="room", where=str(folder))

    monkeypatch.setattr(files, "seal", full)
    made: Any = job(tmp_path)
    events, found = last(tokens.remembered(made, made.task))
    assert any("are not kept" in event.text for event in events if isinstance(event, Note))
    assert found.encode(made.train[0], made.codec, None) == made.task.encode(made.train[0], made.codec, None)


NUMBERS = (st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.booleans())


@st.composite
def rows(draw: Callable[..., Any]) -> list[list[Example]]:
    """Rows of examples that all have the same names, each with values of one type."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans()), min_size=1, max_size=3))
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=5))

    def example(row: str) -> Example:
        values = {
            f"v{n}": draw(st.lists(kind, min_size=1, max_size=4) if several else kind)
            for n, (kind, several) in enumerate(kinds)
        }
        return Example(row, {**values, "nothing": None}, draw(st.integers(0, 9)))

    return [[example(str(n)) for _ in range(count)] for n, count in enumerate(counts)]


@given(rows())
def test_columns_give_the_examples_again(examples: list[list[Example]]) -> None:
    columns = tokens.written(examples)
    if not any(examples):
        assert columns is None
        return
    assert columns is not None
    records = [Record({}, Place("x", n), str(n)) for n in range(len(examples))]
    assert tokens.read(records, columns) == examples


@pytest.mark.parametrize("value", [object(), "text", [1, 2.0], [[1], [2]], ["a"]])
def test_what_is_no_number_is_not_written(value: Any) -> None:
    assert tokens.written([[Example("a", {"value": value}, 1)]]) is None
