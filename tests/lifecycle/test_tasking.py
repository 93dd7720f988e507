"""The task that rows and base suggest: what the user names stays, and the kind of base chooses among tasks alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith import lifecycle
from tunesmith.lifecycle import tasking
from tunesmith.recipe.sections import Recipe

DECODER = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
ENCODER = {"architectures": ["BertModel"], "model_type": "bert"}


def base(folder: Path, config: dict[str, object]) -> Path:
    """A folder that looks like a base; nobody reads its weights here."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def recipe(source: Path, base: Path | str, **more: str) -> Recipe:
    overrides = [f"{key}={value}" for key, value in more.items()]
    return lifecycle.recipe_of(str(source), {}, "", str(base), 0, overrides)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps({"text": f"Once upon a time, number {n}."}) + "\n" for n in range(20)))
    return path


@pytest.mark.parametrize(
    ("config", "task"), [(DECODER, "language-model"), (ENCODER, "masked-language-model")]
)
def test_plain_texts_get_the_task_of_their_base(
    config: dict[str, object], task: str, documents: Path, tmp_path: Path
) -> None:
    found = tasking.with_task(recipe(documents, base(tmp_path / "base", config)), tmp_path / "home")
    assert found.task.name == task
    assert found.decided["task.name"] == "advice"


def test_what_the_user_names_stays(documents: Path, tmp_path: Path) -> None:
    given = lifecycle.recipe_of(
        str(documents), {}, "", str(base(tmp_path / "b", ENCODER)), 0, (), task="language-model"
    )
    assert tasking.with_task(given, tmp_path / "home").task.name == "language-model"


def test_a_base_that_is_not_there_leaves_the_usual_task(documents: Path, tmp_path: Path) -> None:
    found = tasking.with_task(recipe(documents, tmp_path / "nowhere"), tmp_path / "home")
    assert found.task.name == "language-model"


def test_rows_of_one_task_ask_for_no_base(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"row number {n},{'ab'[n % 2]}\n" for n in range(20)))
    found = tasking.with_task(recipe(path, tmp_path / "nowhere"), tmp_path / "home")
    assert found.task.name == "text-classification"
