"""Every combination of parts in the catalog is either legal or refused with the legal ones named; torch stays out."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.parts import NeuralTask
from tunesmith.recipe import legal
from tunesmith.recipe.places import Places
from tunesmith.recipe.sections import Recipe

HOLDING = {"ewc", "l2sp"}  # regularizers that hold the base's weights in place
BESIDE = {"adapter", "prompt"}  # tunings that move none of them


def recipe(**parts: str) -> Recipe:
    return Recipe.model_validate({"data": {"source": "rows.csv"}, **parts})


def fails(made: Recipe) -> UsageError | None:
    try:
        legal.require_legal(made)
    except UsageError as refused:
        return refused
    return None


@pytest.mark.parametrize("kind", ["approach", "tuning", "objective"])
def test_every_part_goes_with_the_tasks_that_it_serves_and_with_no_other(kind: str) -> None:
    for task, name in itertools.product(catalog.names("task"), catalog.names(kind)):
        made: Any = catalog.part("task", task)()
        serves = catalog.part(kind, name)().serves(made)
        refused = fails(recipe(task=task, **({"approach": usual(made)} | {kind: name})))
        asked = kind == "approach" or isinstance(made, NeuralTask)
        assert (refused is None) == (serves or not asked), (task, name)
        if refused is not None:
            others = legal.legal(kind, made)
            assert refused.code == "C113"
            assert refused.where == f"{kind}.name"
            assert name not in others
            assert refused.expected == f"one of: {', '.join(others)}"
            assert others
            assert refused.fixes[0] == f"--set {kind}.name={others[0]}"


def usual(task: Any) -> str:
    return legal.legal("approach", task)[-1]


def test_every_regularizer_with_every_tuning() -> None:
    for tuning, name in itertools.product(catalog.names("tuning"), catalog.names("regularizer")):
        refused = fails(recipe(tuning=tuning, regularizer=name))
        illegal = name in HOLDING and tuning in BESIDE
        assert (refused is not None) == illegal, (tuning, name)
        if refused is not None:
            assert refused.where == "regularizer.name"
            assert not set(refused.expected.removeprefix("one of: ").split(", ")) & HOLDING


def test_the_place_is_the_line_of_the_recipe() -> None:
    text = '[task]\nname = "text-classification"\n\n[objective]\nname = "dpo"\n'
    with pytest.raises(UsageError, match="'dpo' does not go with the task 'text-classification'") as refused:
        legal.require_legal(recipe(task="text-classification", objective="dpo"), Places(text, "recipe.toml"))
    assert refused.value.where == "recipe.toml:5"


def test_the_parts_as_they_are_by_default_go_together() -> None:
    legal.require_legal(recipe())


def test_nothing_heavy_is_loaded() -> None:
    program = (
        "import sys\n"
        "from tunesmith.recipe.legal import require_legal\n"
        "from tunesmith.recipe.sections import Recipe\n"
        "from tunesmith import catalog\n"
        "for task in catalog.names('task'):\n"
        "    for tuning in catalog.names('tuning'):\n"
        "        try:\n"
        "            require_legal(Recipe.model_validate({'data': {'source': 'x'}, 'task': task, 'tuning': tuning}))\n"
        "        except Exception as refused:\n"
        "            assert 'C113' in str(refused), refused\n"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
    assert Path(legal.__file__).name == "legal.py"
