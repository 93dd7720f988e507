"""What the rungs of one climb share: the window that a tuning leaves them."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.lifecycle import climb
from tunesmith.parts import Codec
from tunesmith.recipe.sections import Recipe


def recipe(tuning: Any, approach: str = "tune") -> Recipe:
    return Recipe.model_validate(
        {"data": {"source": "rows"}, "task": "chat", "approach": approach, "tuning": tuning}
    )


@pytest.mark.parametrize(
    ("made", "window"),
    [
        (recipe({"name": "prompt", "tokens": 16}), 112),
        (recipe({"name": "prompt", "tokens": 500}), 1),
        (recipe("lora"), 128),
        (recipe({"name": "prompt", "tokens": 16}, "retrieve"), 128),  # which asks the base as it is
    ],
)
def test_virtual_tokens_take_room_in_the_window(made: Recipe, window: int) -> None:
    codec = Codec({"window": 128, "pad_id": 0}, {"tokenizer.json": b"{}"})
    found = climb._with_room(codec, made)
    assert found.settings == {"window": window, "pad_id": 0} and found.files == codec.files


def test_no_window_stays_none() -> None:
    codec = Codec({"window": 0}, {})
    assert climb._with_room(codec, recipe("prompt")) == codec
