"""From nothing to a model: its tokenizer, its size, its files, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith import bases, catalog, doors
from tunesmith.errors import DataError, UsageError
from tunesmith.events import Note
from tunesmith.parts import Job, Profile, Speaker, Wish
from tunesmith.recipe.sections import Recipe

if not doors.has("torch"):
    pytest.skip('torch is absent: pip install -e ".[train]"', allow_module_level=True)

from tunesmith.inputs import vocabulary
from tunesmith.nn import fresh

SMALL = {"vocabulary": 300, "window": 64, "layers": 1, "width": 32}


def job(folder: Path, task: str = "chat", *, tuning: str = "full", **train: Any) -> Job:
    options = {"epochs": 2, "batch_size": 8, "dtype": "float32", "threads": 1, "dropout": 0.0, "patience": 0}
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": {"name": task} | ({} if task == "language-model" else {"answer_tokens": 4}),
            "approach": {"name": "scratch", **SMALL},
            "tuning": tuning,
            "train": options | train,
        }
    )
    made = catalog.make("task", recipe.task)
    rows = made.samples()
    codec = made.codec(None, Profile(len(rows)))
    return Job(made, recipe, rows[:8], rows[8:12], codec, None, folder, folder / "cache")


def fitted(made: Job) -> tuple[Any, list[str]]:
    approach = catalog.make("approach", made.recipe.approach)
    notes = [event.text for event in approach.fit(made) if isinstance(event, Note)]
    return approach.open(made.model, made.task, made.codec, None, made.recipe), notes


def loss(speaker: Any, made: Job) -> float:
    found = [each.likelihood for row in speaker.outputs(made.train) for each in row]
    return sum(each.nll for each in found) / sum(each.tokens for each in found)


def test_it_learns_and_what_it_leaves_is_a_base(tmp_path: Path) -> None:
    made = job(tmp_path, epochs=20, peak_lr=1e-2)
    speaker, notes = fitted(made)
    assert isinstance(speaker, Speaker)
    assert loss(speaker, made) < np.log(300) - 1.0
    assert notes[0].startswith("from scratch: 1 layers of width 32, 300 tokens")
    pieces = list(speaker.stream([{"role": "user", "content": "Do you repair brakes?"}], Wish(max_tokens=3)))
    assert pieces[-1].end
    assert not (tmp_path / "start").exists() and not (made.model / "delta.safetensors").exists()
    base = bases.resolve(str(made.model))
    recipe = Recipe.model_validate({**made.recipe.model_dump(exclude={"approach"}), "approach": "prompt"})
    codec = made.task.codec(base, Profile(0))
    again = catalog.make("approach", recipe.approach).open(made.model, made.task, codec, base, recipe)
    one, two = speaker.outputs(made.validation), again.outputs(made.validation)
    assert [a[0].likelihood for a in one] == [b[0].likelihood for b in two]
    assert [a[0].text for a in one] == [b[0].text for b in two]


@pytest.mark.parametrize("task", ["completion", "language-model"])
def test_two_fits_of_one_job_are_equal(task: str, tmp_path: Path) -> None:
    one, two = job(tmp_path / "a", task, epochs=1), job(tmp_path / "b", task, epochs=1)
    fitted(one), fitted(two)
    for name in (bases.WEIGHTS, "tokenizer.json", "config.json"):
        assert (one.model / name).read_bytes() == (two.model / name).read_bytes()


def test_only_every_weight_may_move(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fitted(job(tmp_path, tuning="lora"))
    assert caught.value.code == "C161"


def test_no_text_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fitted(replace(job(tmp_path), train=()))
    assert caught.value.code == "Q503"


def test_more_data_pays_for_more_parameters() -> None:
    shapes = [fresh.shape(10.0**power, 1) for power in range(3, 11)]
    assert shapes == sorted(shapes)
    assert shapes[0] == fresh.SHAPES[0] and shapes[-1] == fresh.SHAPES[-1]
    assert fresh.shape(1e8, 40) == fresh.shape(1e8, 4) == (8, 384)
    assert fresh.parameters(*fresh.shape(1e8, 4)) <= 1e8 * 4 / 20


def test_the_tokenizer_writes_every_text_and_keeps_to_its_size() -> None:
    texts = ["the cat sat on the mat", "the dog sat too", "Straße"] * 5
    made = doors.open("tokenizers").Tokenizer.from_str(vocabulary.learnt(texts, 290).decode())
    for text in (*texts, "日本 🙂\u0000 \n"):
        assert made.decode(made.encode(text).ids) == text
    assert vocabulary.FEWEST < made.get_vocab_size() <= 290
    assert [made.token_to_id(word) for word in vocabulary.SPECIALS] == list(range(6))
    assert len(made.encode("the cat").ids) < len("the cat")
