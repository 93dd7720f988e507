"""What every approach must do: fit, leave files that open to the same predictions, see no more than it is given."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith import catalog, doors
from tunesmith.parts import Job, Profile
from tunesmith.recipe.sections import Recipe

APPROACHES = catalog.names("approach")


def job(name: str, folder: Path, **train: Any) -> Job:
    library = catalog.part("approach", name).library
    if library and not doors.has(library):
        pytest.skip(f'{library} is absent: pip install -e ".[train]"')
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "approach": name,
            "train": {"epochs": 3, "batch_size": 8, "dtype": "float32", "threads": 1, "peak_lr": 5e-3}
            | train,
        }
    )
    task = catalog.make("task", recipe.task)
    rows = task.samples()
    profile = Profile(len(rows), Counter(task.target(row) for row in rows))
    based = catalog.part("approach", name).based
    codec = task.tiny_codec(profile) if based else task.codec(None, profile)
    return Job(task, recipe, rows[::2], rows[1::2], codec, None, folder, folder / "cache")


def fitted(made: Job) -> Any:
    approach = catalog.make("approach", made.recipe.approach)
    for _ in approach.fit(made):
        pass
    return approach.open(made.model, made.task, made.codec, None, made.recipe)


@pytest.mark.parametrize("name", APPROACHES)
def test_fit_open_and_open_again_agree_to_the_last_bit(name: str, tmp_path: Path) -> None:
    made = job(name, tmp_path)
    first = fitted(made).outputs(made.validation)
    again = catalog.make("approach", made.recipe.approach)
    second = again.open(made.model, made.task, made.codec, None, made.recipe).outputs(made.validation)
    assert len(first) == len(made.validation)
    for a, b in zip(first, second, strict=True):
        assert a[0].dtype == np.float32
        assert a[0].shape == (len(made.codec.settings["labels"]),)
        assert np.isfinite(a[0]).all()
        assert (a[0] == b[0]).all()


@pytest.mark.parametrize("name", APPROACHES)
def test_two_fits_of_one_job_are_equal(name: str, tmp_path: Path) -> None:
    first, second = job(name, tmp_path / "a"), job(name, tmp_path / "b")
    one, two = fitted(first).outputs(first.validation), fitted(second).outputs(second.validation)
    assert all((a[0] == b[0]).all() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("name", APPROACHES)
def test_batch_make_up_changes_outputs_by_rounding_only(name: str, tmp_path: Path) -> None:
    made = job(name, tmp_path)
    predictor = fitted(made)
    together = predictor.outputs(made.validation)
    for row, output in list(zip(made.validation, together, strict=True))[::5]:
        assert np.allclose(predictor.outputs([row])[0][0], output[0], atol=1e-5)
    assert predictor.outputs([]) == []


@pytest.mark.parametrize("name", APPROACHES)
def test_labels_that_the_training_rows_lack_are_possible_but_unlikely(name: str, tmp_path: Path) -> None:
    made = job(name, tmp_path)
    gone = made.codec.settings["labels"][0]
    kept = [row for row in made.train if made.task.target(row) != gone]
    made = Job(**{**made.__dict__, "train": kept})
    outputs = fitted(made).outputs(made.validation)
    assert all(np.isfinite(output[0]).all() for output in outputs)


@pytest.mark.parametrize("name", APPROACHES)
def test_estimates_are_positive_and_shortening_shortens(name: str, tmp_path: Path) -> None:
    made = job(name, tmp_path, epochs=10)
    approach = catalog.make("approach", made.recipe.approach)
    assert approach.seconds(made, probe=False) >= 0
    assert approach.seconds(made, probe=True) >= 0
    values = approach.shorter(made.recipe, 0.5)
    assert values is None or values == {"train.epochs": 5}
    assert approach.shorter(made.recipe, 0.01) is None
    assert set(approach.resolve(made.recipe)) <= {"train.threads", "train.dtype", "train.peak_lr"}


@pytest.mark.parametrize("name", APPROACHES)
def test_a_stranger_text_and_an_empty_one_get_an_answer(name: str, tmp_path: Path) -> None:
    made = job(name, tmp_path)
    predictor = fitted(made)
    for text in ("", " ", "\u0000\uffff🙂", "x" * 5000, "qwertyuiop asdfgh"):
        row = type(made.train[0])({"text": text})
        prediction = made.task.decode(row, predictor.outputs([row])[0], made.codec)
        assert prediction.probs.sum() == pytest.approx(1.0)
