"""What every approach must do: fit, leave files that open to the same predictions, see no more than it is given."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith import catalog, doors
from tunesmith.fields import Record
from tunesmith.parts import Answer, Job, Profile, Speaker, Wish
from tunesmith.recipe.sections import Recipe

LABELS, WORDS = "text-classification", "chat"
# every approach on labels, in words, or on both
CASES = [
    (name, task)
    for name, part in catalog.parts("approach").items()
    for task in (LABELS, WORDS)
    if part().serves(catalog.part("task", task)())
]
SMALL: dict[str, dict[str, Any]] = {  # options under which a test takes little time
    "prompt": {"shots": 2},
    "retrieve": {"search": "words", "top": 2},
    "scratch": {"vocabulary": 300, "window": 128, "layers": 1, "width": 32},
}
STRANGE = ("", " ", "\u0000\uffff🙂", "x" * 5000, "qwertyuiop asdfgh")


def job(name: str, task: str, folder: Path, **train: Any) -> Job:
    library = catalog.part("approach", name).library
    if library and not doors.has(library):
        pytest.skip(f'{library} is absent: pip install -e ".[train]"')
    options = {"epochs": 3, "batch_size": 8, "dtype": "float32", "threads": 1, "peak_lr": 5e-3}
    words = {"answer_tokens": 4} if task == WORDS else {}
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": {"name": task, **words},
            "approach": {"name": name, **SMALL.get(name, {})},
            "train": options | train,
        }
    )
    made = catalog.make("task", recipe.task)
    rows = made.samples()
    profile = Profile(len(rows), Counter(made.target(row) for row in rows))
    based = catalog.part("approach", name).based
    codec = made.tiny_codec(profile) if based else made.codec(None, profile)
    return Job(made, recipe, rows[::2], rows[1::2], codec, None, folder, folder / "cache")


def fitted(made: Job) -> Any:
    approach = catalog.make("approach", made.recipe.approach)
    for _ in approach.fit(made):
        pass
    return approach.open(made.model, made.task, made.codec, None, made.recipe)


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit."""
    return one == other if isinstance(one, Answer) else bool((one == other).all())


def alike(one: Any, other: Any) -> bool:
    """Equal but for rounding."""
    if not isinstance(one, Answer):
        return np.allclose(one, other, atol=1e-5)
    assert one.likelihood and other.likelihood
    told = replace(one, likelihood=None, logprob=None) == replace(other, likelihood=None, logprob=None)
    return told and np.isclose(one.likelihood.nll, other.likelihood.nll, rtol=1e-4)


def asking(text: str, task: str) -> Record:
    return Record({"text": text} if task == LABELS else {"messages": [{"role": "user", "content": text}]})


def test_every_approach_is_tried() -> None:
    assert {name for name, _ in CASES} == set(catalog.names("approach"))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_fit_open_and_open_again_agree_to_the_last_bit(name: str, task: str, tmp_path: Path) -> None:
    made = job(name, task, tmp_path)
    first = fitted(made).outputs(made.validation)
    again = catalog.make("approach", made.recipe.approach)
    second = again.open(made.model, made.task, made.codec, None, made.recipe).outputs(made.validation)
    assert len(first) == len(made.validation)
    for a, b in zip(first, second, strict=True):
        assert same(a[0], b[0])
        if task == WORDS:
            assert a[0].likelihood.tokens > 0
            continue
        assert a[0].dtype == np.float32
        assert a[0].shape == (len(made.codec.settings["labels"]),)
        assert np.isfinite(a[0]).all()


@pytest.mark.parametrize(("name", "task"), CASES)
def test_two_fits_of_one_job_are_equal(name: str, task: str, tmp_path: Path) -> None:
    first, second = job(name, task, tmp_path / "a"), job(name, task, tmp_path / "b")
    one, two = fitted(first).outputs(first.validation), fitted(second).outputs(second.validation)
    assert all(same(a[0], b[0]) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_batch_make_up_changes_outputs_by_rounding_only(name: str, task: str, tmp_path: Path) -> None:
    made = job(name, task, tmp_path)
    predictor = fitted(made)
    together = predictor.outputs(made.validation)
    for row, output in list(zip(made.validation, together, strict=True))[::5]:
        assert alike(predictor.outputs([row])[0][0], output[0])
    assert predictor.outputs([]) == []


@pytest.mark.parametrize("name", [name for name, task in CASES if task == LABELS])
def test_labels_that_the_training_rows_lack_are_possible_but_unlikely(name: str, tmp_path: Path) -> None:
    made = job(name, LABELS, tmp_path)
    gone = made.codec.settings["labels"][0]
    kept = [row for row in made.train if made.task.target(row) != gone]
    made = Job(**{**made.__dict__, "train": kept})
    outputs = fitted(made).outputs(made.validation)
    assert all(np.isfinite(output[0]).all() for output in outputs)


@pytest.mark.parametrize("name", [name for name, task in CASES if task == WORDS])
def test_a_stream_says_what_outputs_say_and_ends_once(name: str, tmp_path: Path) -> None:
    made = job(name, WORDS, tmp_path)
    speaker = fitted(made)
    assert isinstance(speaker, Speaker)
    row, wish = asking("Do you repair a chain?", WORDS), Wish(max_tokens=4)
    pieces = list(speaker.stream(row.fields["messages"], wish))
    assert "".join(piece.text for piece in pieces) == speaker.outputs([row])[0][0].text
    assert [bool(piece.end) for piece in pieces] == [*[False] * (len(pieces) - 1), True]
    assert speaker.length(row.fields["messages"], wish) > 0


@pytest.mark.parametrize(("name", "task"), CASES)
def test_estimates_are_positive_and_shortening_shortens(name: str, task: str, tmp_path: Path) -> None:
    made = job(name, task, tmp_path, epochs=10)
    approach = catalog.make("approach", made.recipe.approach)
    assert approach.seconds(made, probe=False) >= 0
    assert approach.seconds(made, probe=True) >= 0
    values = approach.shorter(made.recipe, 0.5)
    assert values is None or values == {"train.epochs": 5}
    assert approach.shorter(made.recipe, 0.01) is None
    known = {
        "train.threads",
        "train.dtype",
        "train.peak_lr",
        "train.device",
        "train.products",
        "train.kernels",
    }
    assert set(approach.resolve(made.recipe)) <= known


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_stranger_text_and_an_empty_one_get_an_answer(name: str, task: str, tmp_path: Path) -> None:
    made = job(name, task, tmp_path)
    predictor = fitted(made)
    for text in STRANGE:
        row = asking(text, task)
        said: Any = made.task.decode(row, predictor.outputs([row])[0], made.codec)
        if task == LABELS:
            assert said.probs.sum() == pytest.approx(1.0)
        else:
            assert isinstance(said.text, str) and said.tokens <= 4
