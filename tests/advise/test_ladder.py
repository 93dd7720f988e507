"""The ladder: complete recipes in order, the user's decisions kept."""

from __future__ import annotations

from typing import Any

from tunesmith import catalog
from tunesmith.advise import ladder
from tunesmith.parts import Profile
from tunesmith.recipe.sections import Recipe


def rungs(task: str, rows: int = 300, **sections: Any) -> dict[str, Recipe]:
    recipe = Recipe.model_validate({"data": {"source": "samples"}, "task": task, **sections})
    return dict(ladder.ladder(recipe, catalog.make("task", recipe.task), Profile(rows)))


def test_answers_in_words_climb_from_asking_to_training_from_nothing() -> None:
    found = rungs("chat")
    assert list(found) == ["prompt", "prompt: 4 examples", "retrieve", "tune: LoRA", "tune: full", "scratch"]
    for recipe in found.values():
        assert catalog.make("approach", recipe.approach).serves(catalog.make("task", recipe.task))
    assert "prompt: 4 examples" in rungs("language-model")  # where it is skipped, with its reason


def test_what_is_begun_from_nothing_gets_more_passes_unless_the_user_decides() -> None:
    assert (found := rungs("chat"))["tune: full"].train.epochs < found["scratch"].train.epochs == ladder.MOST
    decided = {"train": {"epochs": 1}, "decided": {"train.epochs": "you"}}
    assert {recipe.train.epochs for recipe in rungs("chat", **decided).values()} == {1}


def test_an_endpoint_and_a_folder_reach_the_rungs_that_know_them() -> None:
    far = {"endpoint": "http://127.0.0.1:1/v1", "model": "far"}
    found = rungs("chat", approach={"name": "retrieve", "documents": "docs", "shots": 9, **far})
    assert dict(found["prompt"].approach.options) == {"shots": 0, **far}
    assert dict(found["prompt: 4 examples"].approach.options) == {"shots": 4, **far}
    assert dict(found["retrieve"].approach.options) == {"documents": "docs", **far}
    assert dict(found["tune: LoRA"].approach.options) == dict(found["scratch"].approach.options) == {}


def test_labels_keep_their_ladder() -> None:
    assert list(rungs("text-classification"))[:3] == ["majority", "linear", "features"]
