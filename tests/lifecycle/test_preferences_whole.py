"""Objectives on rows of their own through the whole product: divided by prompts, rehearsed, at rates that suit them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from tunesmith import catalog, lifecycle
from tunesmith.approaches.tune import Tune
from tunesmith.data.checking import last
from tunesmith.lifecycle import prepare
from tunesmith.recipe.sections import Recipe

pytestmark = pytest.mark.neural


def recipe(objective: str, source: str = "pairs.jsonl", **sections: Any) -> Recipe:
    tables = {"task": "chat", "data": {"source": source}, "objective": objective, **sections}
    return Recipe.model_validate(tables)


def test_pairs_are_divided_by_their_prompts(tmp_path: Path) -> None:
    """The words of a prompt, not those of a conversation that pairs don't have, tell which rows are near each other."""
    path = tmp_path / "pairs.jsonl"
    kinds = "hub rim fork chain pedal brake saddle wheel spoke frame".split()  # noqa: SIM905
    draw = random.Random(5)
    rows = [
        {
            "prompt": f"{kind} " + "".join(draw.choices("abcdefghij ", k=60)),
            "chosen": f"{kind} {n}",
            "rejected": "no",
        }
        for kind in kinds
        for n in (17, 4242)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = last(prepare.prepare(recipe("dpo", str(path)), tmp_path / "home"))
    assert all((made.train, made.validation, made.test))
    assert len(set(made.groups.values())) >= len(kinds)


@pytest.mark.parametrize(
    "objective", [n for n in catalog.names("objective") if catalog.part("objective", n).content]
)
def test_a_rehearsal_runs_on_rows_of_the_objective(objective: str, tmp_path: Path) -> None:
    made = recipe(objective, train={"epochs": 1, "threads": 1})
    result = lifecycle.run(lifecycle.train(made, rehearse=True, home=tmp_path, offline=True))
    assert result["rehearsal"]
    told = result["preferences"]
    assert told["rows"] == told["scores"]["accuracy"]["n"] > 0
    assert set(told["guessing"]) == {"accuracy", "log_loss"}


def test_sums_over_whole_answers_move_at_a_lower_rate_unless_the_recipe_names_one() -> None:
    usual = Tune().resolve(recipe("supervised"))["train.peak_lr"]
    for name in ("dpo", "kto"):
        share = catalog.part("objective", name).rate
        assert 0 < share < 1
        assert Tune().resolve(recipe(name))["train.peak_lr"] == pytest.approx(share * usual)
    assert Tune().resolve(recipe("dpo", train={"peak_lr": 1e-3}))["train.peak_lr"] == 1e-3
