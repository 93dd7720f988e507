"""`train` through the front door: a local base, an interruption, a resume, a gate, a rehearsal of every pairing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tinybase
from tunesmith import catalog, lifecycle
from tunesmith.errors import IntegrityError, Interrupted, UsageError
from tunesmith.events import Note, Step
from tunesmith.model import Model
from tunesmith.recipe.sections import Recipe
from tunesmith.registry import Registry
from tunesmith.store import runs

pytestmark = pytest.mark.neural


def recipe(folder: Path, **changes: Any) -> Recipe:
    base = folder / "base"
    if not base.exists():
        tinybase.make(base)
        tinybase.table(folder / "rows.csv")
    train = {
        "epochs": 2,
        "batch_size": 16,
        "save_steps": 3,
        "dtype": "float32",
        "threads": 1,
        "peak_lr": 1e-3,
    }
    return Recipe.model_validate(
        {
            "base": str(base),
            "data": {"source": str(folder / "rows.csv")},
            "train": train | changes.pop("train", {}),
        }
        | changes
    )


def weights(home: Path, run: str) -> bytes:
    return (home / "runs" / run / "model" / "delta.safetensors").read_bytes()


def test_an_interrupted_run_resumes_to_the_same_bits_and_is_registered(tmp_path: Path) -> None:
    import threading

    made = recipe(tmp_path)
    whole = lifecycle.run(lifecycle.train(made, home=tmp_path / "a"))
    stop, steps = threading.Event(), 0
    with pytest.raises(Interrupted):
        for event in lifecycle.train(made, home=tmp_path / "b", stop=stop):
            steps += isinstance(event, Step)
            if steps == 5:
                stop.set()
    (run,) = runs.list_runs(tmp_path / "b")
    assert run.status == "interrupted"
    (tmp_path / "rows.csv").write_text("the file is gone by now\n")
    resumed = lifecycle.run(lifecycle.train(resume=run.id, home=tmp_path / "b"))
    assert weights(tmp_path / "b", run.id) == weights(tmp_path / "a", whole["run"])
    assert resumed["verdict"] == whole["verdict"]
    assert run.status == "finished"
    assert Registry(tmp_path / "b").find("rows").number == 1


def test_resuming_on_another_machine_says_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith import machine

    lifecycle.run(lifecycle.train(recipe(tmp_path), home=tmp_path / "home"))
    (run,) = runs.list_runs(tmp_path / "home")
    monkeypatch.setattr(machine, "versions", lambda: {**run.lineage["versions"], "torch": "9.9"})
    notes = [e.text for e in lifecycle.train(resume=run.id, home=tmp_path / "home") if isinstance(e, Note)]
    assert any("not bit-equal" in text and "torch" in text and "9.9" in text for text in notes)


def test_a_run_of_up_is_not_resumed_by_train(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    result = lifecycle.run(lifecycle.up(made.data.source, base=made.base, home=tmp_path / "home", budget=0.1))
    with pytest.raises(UsageError, match="N508"):
        lifecycle.run(lifecycle.train(resume=result["run"], home=tmp_path / "home"))


def test_a_base_with_other_weights_than_the_bundle_knows_is_refused(tmp_path: Path) -> None:
    result = lifecycle.run(lifecycle.train(recipe(tmp_path), home=tmp_path / "home"))
    weights_file = tmp_path / "base" / "model.safetensors"
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    with pytest.raises(IntegrityError, match="B203"):
        Model.load(result["bundle"])


def test_all_rows_can_be_trained_on_when_the_test_rows_are_a_file(tmp_path: Path) -> None:
    tinybase.table(tmp_path / "held.csv", 60)
    text = (tmp_path / "held.csv").read_text().replace("my ", "our ")
    (tmp_path / "held.csv").write_text(text)
    made = recipe(tmp_path)
    data = {"source": made.data.source, "test": str(tmp_path / "held.csv"), "split": {"validation": 0.0}}
    result = lifecycle.run(lifecycle.train(recipe(tmp_path, data=data), home=tmp_path / "home"))
    splits = result["data"]["splits"]
    assert splits["validation"] == 0
    assert splits["test"] == 60
    assert splits["train"] >= 140
    assert result["test"]["chosen"]["macro_f1"]["n"] == 60


def test_a_gate_that_is_not_met_is_told_and_stops_the_promotion(tmp_path: Path) -> None:
    made = recipe(tmp_path, gate={"macro_f1": ">= 1.01"})
    result = lifecycle.run(lifecycle.train(made, home=tmp_path / "home"))
    assert result["gate"]["passed"] is False
    with pytest.raises(Exception, match="N506"):
        Registry(tmp_path / "home").promote("rows")


@pytest.mark.parametrize("tuning", catalog.names("tuning"))
def test_every_tuning_rehearses_its_whole_life_and_leaves_nothing(tuning: str, tmp_path: Path) -> None:
    made = Recipe.model_validate({"data": {"source": "none.csv"}, "tuning": tuning})
    result = lifecycle.run(lifecycle.train(made, rehearse=True, home=tmp_path))
    assert result["rehearsal"] is True
    assert result["test"]["chosen"]["macro_f1"]["n"] > 0
    assert not list((tmp_path / "rehearsals").iterdir())
    assert not (tmp_path / "registry.jsonl").exists()


def served(approach: str, task: str) -> bool:
    """Whether an approach can do a task."""
    return catalog.part("approach", approach)().serves(catalog.part("task", task)())


@pytest.mark.parametrize("approach", catalog.names("approach"))
def test_every_approach_rehearses_its_whole_life(approach: str, tmp_path: Path) -> None:
    names = ("text-classification", "chat")
    task = next(name for name in names if served(approach, name))
    options = {"name": "chat", "answer_tokens": 4} if task == "chat" else {"name": task}
    sections = {"task": options, "approach": approach, "general": {"rows": 4}}
    made = Recipe.model_validate({"data": {"source": "none.csv"}, **sections})
    result = lifecycle.run(lifecycle.train(made, rehearse=True, home=tmp_path))
    assert result["chosen"] == approach
