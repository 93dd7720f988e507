"""`sweep` on the command line: its table, its JSON, what it refuses, how an interruption ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.errors import Interrupted
from tunesmith.lifecycle.advancing import Runner
from tunesmith.store import runs


@pytest.fixture
def recipe(small: Path, tmp_path: Path) -> str:
    path = tmp_path / "recipe.toml"
    path.write_text(f'approach = "linear"\n[data]\nsource = "{small}"\n')
    return str(path)


def test_a_sweep_ends_with_a_recipe_to_train(recipe: str, run: Callable, home: Path) -> None:
    done = run("sweep", recipe, "--over", "approach.strength=0.01,1", "--over", "approach.words=1,2")
    assert done.code == 0, done.err
    assert "Trials" in done.out and "Winner" in done.out and "approach.strength" in done.out
    command = done.out.splitlines()[-1].split("tunesmith ", 1)[1]
    (made,) = runs.list_runs(home)
    assert made.id in command and made.status == "finished"
    trained = run(*command.split())
    assert trained.code == 0, trained.err
    assert "trial" in done.err and "warning" not in done.err


def test_json_holds_all_trials(recipe: str, run: Callable) -> None:
    done = run("sweep", recipe, "--over", "approach.strength=0.1,10", "--json", "--halving", "1")
    found = json.loads(done.out)
    assert len(found["trials"]) == 3
    assert found["rungs"] == [1]
    assert found["winner"]["scores"]["macro_f1"]["n"] == found["rows"]
    assert Path(found["winner"]["recipe"]).is_file()


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ((), "C183", 2),
        (("--over", "approach.strenght=1,2"), "C101", 2),
        (("--over", "approach.strength"), "C180", 2),
        (("--over", "approach.strength=1,2", "--sampler", "tpo"), "C123", 2),
        (("--over", "approach.strength=1,2", "--budget", "soon"), "C124", 2),
        (("--over", "approach.strength=0.1..1", "--sampler", "grid"), "C184", 2),
        (("--over", "gate.macro_f1=1,2"), "C182", 2),
        (("--space", "nowhere.toml"), "C107", 5),
        (("--resume", "20200101-000000-0000"), "C186", 2),  # a recipe is given beside it
    ],
)
def test_what_is_wrong_is_told_with_a_fix(
    words: tuple[str, ...], code: str, exit_code: int, recipe: str, run: Callable
) -> None:
    done = run("sweep", recipe, *words, "--json")
    assert (done.error["code"], done.code) == (code, exit_code)
    assert done.error["fixes"]
    assert run("explain", code).code == 0


def test_no_recipe_and_nothing_to_resume(run: Callable) -> None:
    assert run("sweep", "--over", "a=1", "--json").error["code"] == "C109"
    assert run("sweep", "--resume", "20200101-000000-0000", "--json").error["code"] == "N503"


def test_an_interruption_says_how_to_go_on(
    recipe: str, run: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Runner.advance

    def stopped(self, trial, made, rung):  # type: ignore[no-untyped-def]
        if trial.number == 1:
            raise Interrupted("R130", "the sweep was stopped", where=str(self.climber.folder))
        yield from advance(self, trial, made, rung)

    words = ("--over", "approach.strength=0.1,10", "--json")
    with monkeypatch.context() as patch:
        patch.setattr(Runner, "advance", stopped)
        done = run("sweep", recipe, *words)
    (made,) = runs.list_runs(home)
    assert (done.code, done.error["code"]) == (130, "R130")
    assert done.error["fixes"] == [f"tunesmith sweep --resume {made.id}"]
    assert f"go on with: tunesmith sweep --resume {made.id}" in run("runs", "show", made.id).out
    wrong = run("train", "--resume", made.id, "--json").error
    assert (wrong["code"], wrong["fixes"]) == ("N508", done.error["fixes"])
    again = run(*done.error["fixes"][0].split()[1:], "--json")
    assert again.code == 0, again.err
    assert len(json.loads(again.out)["trials"]) == 3
    shown = json.loads(run("runs", "show", made.id, "--json").out)
    assert (shown["verb"], shown["status"], shown["again"]) == ("sweep", "finished", None)
