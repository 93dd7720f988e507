"""Asking the base alone, after examples, and a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chat_endpoint
from tunesmith import catalog, doors
from tunesmith.errors import NetworkError, UsageError
from tunesmith.parts import Answer, Job, Profile, Record, Speaker, Wish
from tunesmith.recipe.sections import Recipe

needs_torch = pytest.mark.skipif(not doors.has("torch"), reason='torch is absent: pip install -e ".[train]"')


def job(folder: Path, task: str = "chat", *, tokens: int = 6, **options: Any) -> Job:
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": {"name": task, "answer_tokens": tokens},
            "approach": {"name": "prompt", **options},
            "train": {"threads": 1, "dropout": 0.0},
        }
    )
    made = catalog.make("task", recipe.task)
    rows = made.samples()
    codec = made.tiny_codec(Profile(len(rows))).with_settings(window=2000)
    return Job(made, recipe, rows[:8], rows[8:12], codec, None, folder, folder / "cache")


def opened(made: Job) -> Speaker:
    approach = catalog.make("approach", made.recipe.approach)
    for _ in approach.fit(made):
        pass
    return approach.open(made.model, made.task, made.codec, None, made.recipe)


def told(speaker: Any, record: Record) -> list[dict[str, Any]]:
    """The turns of a record as the model behind a speaker is given them."""
    return speaker._more(record)[0].fields["messages"]


@needs_torch
@pytest.mark.parametrize("task", ["chat", "completion"])
def test_examples_stand_before_the_question_and_are_not_learnt(task: str, tmp_path: Path) -> None:
    made = job(tmp_path, task, shots=2)
    speaker, record = opened(made), made.validation[1]
    turns = told(speaker, record)
    own = [turn for turn in record.fields["messages"] if turn["role"] != "system"]
    assert turns[-len(own) :] == own
    added = [turn for turn in turns[: -len(own)] if turn["role"] != "system"]
    assert [turn["role"] for turn in added] == ["user", "assistant"] * 2
    assert [turn["weight"] for turn in added[1::2]] == [0, 0]


@needs_torch
def test_a_row_s_own_answer_counts_the_same_tokens_with_and_without_examples(tmp_path: Path) -> None:
    bare, shown = job(tmp_path / "a"), job(tmp_path / "b", shots=2)
    one, two = opened(bare).outputs(bare.validation), opened(shown).outputs(shown.validation)
    for alone, after in zip(one, two, strict=True):
        assert alone[0].likelihood.tokens == after[0].likelihood.tokens > 0
        assert alone[0].likelihood.size == after[0].likelihood.size
    assert any(a[0].likelihood.nll != b[0].likelihood.nll for a, b in zip(one, two, strict=True))


@needs_torch
def test_the_nearest_example_stands_last_and_the_system_first(tmp_path: Path) -> None:
    made = job(tmp_path, shots=3)
    record = Record({"messages": [{"role": "system", "content": "S"}, *asked("Which tyre fits my wheel?")]})
    turns = told(opened(made), record)
    assert turns[0] == {"role": "system", "content": "S"}
    assert turns[-3]["content"] == "Which tyre fits a 28 inch wheel?"
    assert len(turns) == 1 + 3 * 2 + 1


@needs_torch
def test_a_text_is_asked_after_lines(tmp_path: Path) -> None:
    speaker: Any = opened(job(tmp_path, "completion", shots=1))
    assert speaker._told("Which tyre fits?")[0].splitlines() == [
        "Which tyre fits a 28 inch wheel?",
        "Any that is marked 622.",
        "Which tyre fits?",
    ]
    pieces = list(speaker.stream("Which tyre fits?", Wish(max_tokens=3)))
    assert pieces[-1].end and speaker.length("Which tyre fits?", Wish()) > len("Which tyre fits?")


def asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def echo(messages: Any) -> str:
    return messages[-1]["content"].upper()


def test_a_server_answers_in_place_of_the_base(tmp_path: Path) -> None:
    with chat_endpoint.serving(echo) as (url, seen):
        made = job(tmp_path, endpoint=url, model="far", shots=1)
        found = opened(made).outputs(made.validation)
    questions = [row.fields["messages"][-2]["content"] for row in made.validation]
    assert [each[0] for each in found] == [Answer(text.upper()) for text in questions]
    assert {(each["model"], each["max_tokens"], each["temperature"]) for each in seen} == {("far", 6, 0.0)}
    assert all("weight" not in turn for each in seen for turn in each["messages"])
    assert all(len(each["messages"]) >= 3 for each in seen)


def test_a_server_s_answer_comes_piece_by_piece(tmp_path: Path) -> None:
    with chat_endpoint.serving(echo) as (url, seen):
        speaker = opened(job(tmp_path, endpoint=url, model="far"))
        pieces = list(speaker.stream(asked("a b c"), Wish(stop=("x",), schema={"type": "string"})))
    assert "".join(piece.text for piece in pieces) == "A B C"
    assert [piece.end for piece in pieces] == [*[""] * (len(pieces) - 1), "stop"]
    assert seen[0]["stream"] and seen[0]["stop"] == ["x"]
    assert seen[0]["response_format"]["json_schema"]["schema"] == {"type": "string"}
    assert speaker.length("a", Wish()) == 0


def test_a_stream_that_breaks_off_is_told(tmp_path: Path) -> None:
    with chat_endpoint.serving(lambda messages: "break " + echo(messages)) as (url, _):
        speaker = opened(job(tmp_path, endpoint=url, model="far"))
        with pytest.raises(NetworkError) as caught:
            list(speaker.stream(asked("a"), Wish()))
    assert caught.value.code == "N526"


def test_a_stranger_s_server_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    made = job(tmp_path, endpoint="https://example.org/v1", model="far")
    with pytest.raises(NetworkError) as caught:
        opened(made)
    assert caught.value.code == "N525"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.org/v1/")
    assert opened(made).length("a", Wish()) == 0
    with pytest.raises(UsageError) as unnamed:
        opened(job(tmp_path, endpoint="https://example.org/v1"))
    assert unnamed.value.code == "C130"


@pytest.mark.parametrize(
    ("task", "options", "serves"),
    [
        ("chat", {}, True),
        ("completion", {"shots": 4}, True),
        ("language-model", {}, True),
        ("language-model", {"shots": 1}, False),
        ("language-model", {"model": "far"}, False),
        ("text-classification", {}, False),
    ],
)
def test_which_tasks_are_served(task: str, options: dict[str, Any], serves: bool) -> None:
    assert catalog.part("approach", "prompt")(**options).serves(catalog.part("task", task)()) is serves
