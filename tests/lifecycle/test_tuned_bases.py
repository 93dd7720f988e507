"""A model of ours is the base of the next: an encoder that went on learning, then a classifier over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tinybase
from tunesmith import bases, lifecycle
from tunesmith.errors import MissingError, UsageError
from tunesmith.inputs import masking
from tunesmith.lifecycle import tuned_bases
from tunesmith.lifecycle.estimating import estimated
from tunesmith.parts import Wish
from tunesmith.recipe.sections import Recipe
from tunesmith.tasks import _samples

pytestmark = pytest.mark.neural
TRAIN = {"epochs": 1, "batch_size": 8, "dtype": "float32", "threads": 1, "peak_lr": 5e-3}


def trained(home: Path, **sections: Any) -> Any:
    recipe = Recipe.model_validate({"train": TRAIN, **sections})
    return lifecycle.run(lifecycle.train(recipe, home=home))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(home with the model 'shop@1', a masked model; folder of its base)."""
    place = tmp_path_factory.mktemp("learnt")
    base = tinybase.make(place / "base")
    (base / "tokenizer.json").write_bytes(masking.byte_tokenizer())
    rows = [json.dumps(row) for row in _samples.documents()]
    (place / "shop.jsonl").write_text("\n".join(rows) + "\n")
    values = {
        "data": {"source": str(place / "shop.jsonl"), "ignore": {"D101": "few rows"}},
        "base": str(base),
    }
    found = trained(place / "home", task="masked-language-model", tuning="lora", **values)
    assert found["model"] == "shop@1"
    return place / "home", base


def test_a_classifier_starts_from_what_was_learnt(learnt: tuple[Path, Path], tmp_path: Path) -> None:
    home, base = learnt
    table = tinybase.table(tmp_path / "rows.csv")
    data = {"source": str(table), "fields": {"text": "body", "label": "queue", "group": "customer"}}
    found = trained(home, data=data, base="shop@1", approach={"name": "tune", "head": "random"})
    model = lifecycle.open_model(found["model"], home)
    assert model.recipe.parent == "shop@1"
    own, start = bases.resolve(model.recipe.base), bases.resolve(str(base))
    assert own.digest != start.digest
    assert own.config["architectures"] == ["BertModel"]
    assert own.folder.parent == (home / "bases").resolve()
    assert model.predict_texts(["my invoice is wrong"])


def test_it_is_merged_once_and_what_was_kept_is_checked(learnt: tuple[Path, Path]) -> None:
    home, _ = learnt
    recipe = Recipe.model_validate({"data": {"source": "x"}, "base": "shop@1"})
    first = tuned_bases.with_base(recipe, home)
    before = Path(first.base, bases.WEIGHTS).stat().st_mtime_ns
    assert tuned_bases.with_base(recipe, home) == first
    assert Path(first.base, bases.WEIGHTS).stat().st_mtime_ns == before
    folder = lifecycle.open_model("shop@1", home).folder
    assert tuned_bases.with_base(recipe.model_copy(update={"base": str(folder)}), home).base == first.base


def test_what_it_takes_to_go_on_from_it_is_estimated(learnt: tuple[Path, Path]) -> None:
    home, start = learnt
    peaks = [
        lifecycle.run(estimated(base=base, rows=100, tokens=32, task="masked-language-model", home=home))[
            "memory"
        ]
        for base in ("shop@1", str(start))
    ]
    assert peaks[0] == peaks[1]  # what was learnt is in the weights: none is added


def test_an_estimate_reads_the_configuration_and_merges_nothing(
    learnt: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def merged(*given: object) -> Path:
        raise AssertionError("weights were merged")

    monkeypatch.setattr(tuned_bases, "_merged", merged)
    found = lifecycle.run(estimated(base="shop@1", rows=100, tokens=32, home=learnt[0])).to_dict()
    assert found["base"] == "shop@1" and found["family"] == "bert"


def test_other_bases_stay_and_what_can_not_be_one_is_refused(
    learnt: tuple[Path, Path], tmp_path: Path
) -> None:
    home, base = learnt
    for name in ("minilm", str(base), "org/name"):
        recipe = Recipe.model_validate({"data": {"source": "x"}, "base": name})
        assert tuned_bases.with_base(recipe, home) is recipe
    data = {
        "source": str(tinybase.table(tmp_path / "mail.csv")),
        "fields": {"text": "body", "label": "queue"},
    }
    linear = trained(home, data=data, approach="linear")["model"]
    for name, error, code in ((linear, UsageError, "C171"), ("nobody@3", MissingError, "N501")):
        with pytest.raises(error) as refused:
            tuned_bases.with_base(Recipe.model_validate({"data": {"source": "x"}, "base": name}), home)
        assert refused.value.code == code


def test_a_masked_model_answers_by_filling_the_text(learnt: tuple[Path, Path]) -> None:
    model = lifecycle.open_model("shop@1", learnt[0])
    (piece,) = model.predictor.stream("a [MASK]ell is needed", Wish())
    (answer,) = model.predict_texts(["a [MASK]ell is needed"])
    assert piece.text == answer.text
    assert piece.end == "stop"
    assert model.predictor.length("a bell", Wish()) == 8
