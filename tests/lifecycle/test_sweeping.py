"""`sweep` through the front door: the winner is what `train` makes, whatever paused, stopped or killed the trials."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import tinybase
import tunesmith
from commandline import environment
from tunesmith import lifecycle
from tunesmith.errors import DataError, Interrupted, TrainingError, UsageError
from tunesmith.events import Event, Finished, Measured, Note, Stage, Step
from tunesmith.lifecycle import halving, kept_outcomes, sweeping
from tunesmith.lifecycle.trials import Journal
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.store import runs

pytestmark = pytest.mark.neural
OVER = ("train.peak_lr=3e-4,1e-2", "tuning.rank=2,4")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sweeping")
    tinybase.make(made / "base")
    tinybase.table(made / "rows.csv")
    return made


def recipe(folder: Path, **changes: Any) -> Recipe:
    train = {"epochs": 2, "batch_size": 16, "dtype": "float32", "threads": 1, "peak_lr": 1e-3}
    return Recipe.model_validate(
        {
            "base": str(folder / "base"),
            "data": {"source": str(folder / "rows.csv")},
            "approach": {"name": "tune", "head": "random"},
            "tuning": {"name": "lora", "rank": 4},
            "train": train | changes.pop("train", {}),
        }
        | changes
    )


def swept(verb: Any) -> tuple[list[Event], dict[str, Any]]:
    events = list(verb)
    assert isinstance(events[-1], Finished)
    return events, events[-1].result.to_dict()


def without_time(values: dict[str, Any]) -> list[Any]:
    looks = [[{**look, "seconds": 0} for look in trial["rungs"]] for trial in values["trials"]]
    points = [trial["values"] for trial in values["trials"]]
    return [points, looks, values["winner"]["trial"], values["against"], values["importance"]]


@pytest.fixture(scope="session")
def done(folder: Path) -> tuple[Path, list[Event], dict[str, Any]]:
    """One whole sweep over a grid, in a home of its own."""
    home = folder / "home"
    return home, *swept(sweeping.sweep(recipe(folder), over=OVER, home=home))


def test_weak_trials_end_early_and_the_winner_runs_to_its_end(done: Any) -> None:
    home, events, values = done
    assert values["sampler"] == "grid"
    assert [trial["values"] for trial in values["trials"]][:2] == [
        {"train.peak_lr": 1e-3, "tuning.rank": 4},  # what the recipe itself says comes first
        {"train.peak_lr": 3e-4, "tuning.rank": 2},
    ]
    assert len(values["trials"]) == 5
    reached = sorted(len(trial["rungs"]) for trial in values["trials"])
    assert reached == [1, 1, 1, 2, 2]
    assert all(trial["rungs"][0]["step"] < trial["rungs"][0]["steps"] for trial in values["trials"])
    winner = values["trials"][values["winner"]["trial"]]
    assert winner["rungs"][-1]["ended"]
    scores = values["winner"]["scores"]["macro_f1"]
    assert scores["low"] <= scores["value"] <= scores["high"]
    assert scores["n"] == values["rows"]
    assert scores["value"] == pytest.approx(winner["rungs"][-1]["scores"]["macro_f1"]["value"])
    assert {each["outcome"] for each in values["against"]} <= {"better", "worse", "cannot-tell"}
    run_ = home / "runs" / values["run"]
    assert not list(run_.rglob("checkpoints"))
    assert len(list(run_.glob("trials/*/model"))) == 1
    assert any(isinstance(event, Step) for event in events)
    assert not any(isinstance(event, Step) for event in runs.open_run(home, values["run"]).events())


def test_the_winner_is_bit_for_bit_what_train_makes_of_its_recipe(done: Any, folder: Path) -> None:
    home, _, values = done
    winner = values["winner"]
    trained = lifecycle.run(lifecycle.train(winner["recipe"], home=folder / "again"))
    name = "model/delta.safetensors"
    ours = home / "runs" / values["run"] / "trials" / f"{winner['trial']:03d}" / name
    theirs = folder / "again" / "runs" / trained["run"] / name
    assert ours.read_bytes() == theirs.read_bytes()
    for key, value in winner["values"].items():
        assert toml.load(Path(winner["recipe"])).decided.get(key) == "you"
        assert str(value) in Path(winner["recipe"]).read_text()


def test_a_stopped_sweep_goes_on_to_the_same_end(done: Any, folder: Path) -> None:
    home, stop, steps = folder / "stopped", threading.Event(), 0
    with pytest.raises(Interrupted) as caught:
        for event in sweeping.sweep(recipe(folder), over=OVER, home=home, stop=stop):
            steps += isinstance(event, Step)
            if steps == 11:
                stop.set()
    (run_,) = runs.list_runs(home)
    assert run_.id in caught.value.where
    assert run_.status == "interrupted"
    _, values = swept(sweeping.sweep(resume=run_.id, home=home))
    assert without_time(values) == without_time(done[2])
    assert run_.status == "finished"


PROGRAM = """
from tunesmith.lifecycle import sweeping
for event in sweeping.sweep({recipe!r}, over={over!r}, home={home!r}):
    print(type(event).__name__, getattr(event, "name", ""), flush=True)
"""


def test_a_killed_sweep_goes_on_to_the_same_end(done: Any, folder: Path) -> None:
    home, path = folder / "killed", folder / "recipe.toml"
    path.write_text(toml.dumps(recipe(folder)))
    program = PROGRAM.format(recipe=str(path), over=OVER, home=str(home))
    program = program.replace("toml.load(", "toml.load(__import__('pathlib').Path(").replace(
        "), over", ")), over"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment()
    )
    trials = 0
    assert child.stdout
    for line in child.stdout:
        trials += line.startswith("Stage trial")
        if trials == 3 and line.startswith("Step"):
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    (run_,) = runs.list_runs(home)
    assert run_.status == "interrupted"
    _, values = swept(sweeping.sweep(resume=run_.id[-4:], home=home))
    assert without_time(values) == without_time(done[2])


def test_a_kill_while_a_trial_is_measured_trains_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, outcomes: Any) -> None:
        raise KeyboardInterrupt

    home, over = folder / "measured", ["train.peak_lr=1e-4,3e-4"]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(kept_outcomes, "save", killed)
        swept(sweeping.sweep(recipe(folder), over=over, home=home))
    (run_,) = runs.list_runs(home)
    (trial,) = Journal(run_.folder).trials
    assert (trial.paused, trial.looks) == (0, [])
    told = iter(sweeping.sweep(resume=run_.id, home=home))
    until = list(itertools.takewhile(lambda event: not isinstance(event, Measured), told))
    assert not any(isinstance(event, Step) for event in until)
    assert len(Journal(run_.folder).trials[0].looks) == 1


def test_every_trial_reads_the_frozen_layers_that_the_first_one_computed(folder: Path) -> None:
    made, home = recipe(folder, tuning={"name": "freeze", "layers": 1}), folder / "frozen"
    _, values = swept(sweeping.sweep(made, over=["train.peak_lr=1e-4,3e-4"], home=home))
    assert len(values["trials"]) == 3
    (kept,) = (path for path in (home / "cache" / "prefix").rglob("manifest.json"))
    assert kept.is_file()


def test_trials_without_a_network_run_to_their_end_at_once(folder: Path) -> None:
    made = recipe(folder, approach={"name": "linear"})
    events, values = swept(sweeping.sweep(made, over=["approach.strength=0.1,1,10"], home=folder / "linear"))
    assert not any(isinstance(event, Step) for event in events)
    assert all(trial["rungs"][-1]["ended"] for trial in values["trials"])
    assert values["metric"] == "macro_f1"


def test_a_trial_that_falls_apart_is_out_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith.approaches.tune import Tune

    whole = Tune.fit

    def fit(self: Tune, job: Any) -> Any:
        if job.options.peak_lr == 3e-4:
            raise TrainingError("R701", "the gradient was not finite")
        yield from whole(self, job)

    monkeypatch.setattr(Tune, "fit", fit)
    over = ["train.peak_lr=3e-4,3e-3"]
    _, values = swept(sweeping.sweep(recipe(folder), over=over, home=folder / "failing"))
    assert [trial["failed"] and trial["failed"]["code"] for trial in values["trials"]] == [None, "R701", None]
    assert values["winner"]["trial"] != 1
    monkeypatch.setattr(Tune, "fit", lambda self, job: _fail())
    with pytest.raises(TrainingError) as caught:
        swept(sweeping.sweep(recipe(folder), over=over, home=folder / "failed"))
    assert caught.value.code == "R703"


def _fail() -> Any:
    raise TrainingError("R701", "the gradient was not finite")
    yield


def test_the_rate_probe_gives_the_range_and_is_made_once(folder: Path) -> None:
    home = folder / "probed"
    verb = sweeping.sweep(recipe(folder), over=["train.peak_lr=probe"], sampler="random", trials=2, home=home)
    events, values = swept(verb)
    assert [event.name for event in events if isinstance(event, Stage)].count("probe-rate") == 1
    told = next(e.text for e in events if isinstance(e, Note) and "learning rates between" in e.text)
    low, high = (float(word) for word in told.split() if word[0].isdigit())
    assert 0 < low < high
    rates = [trial["values"]["train.peak_lr"] for trial in values["trials"][1:]]
    assert all(low <= rate <= high for rate in rates)
    run_ = home / "runs" / values["run"]
    assert not (run_ / "probe").exists()
    assert Journal(run_).range == (low, high)


def test_optuna_asks_the_same_again(folder: Path) -> None:
    pytest.importorskip("optuna")
    over, made = (
        ["approach.strength=0.01..100", "approach.words=1..3"],
        recipe(folder, approach={"name": "linear"}),
    )
    one, two = (
        swept(sweeping.sweep(made, over=over, trials=6, home=folder / f"tpe-{n}"))[1] for n in range(2)
    )
    assert one["sampler"] == "tpe"
    assert without_time(one) == without_time(two)
    assert len({trial["values"]["approach.strength"] for trial in one["trials"]}) == 7
    assert all(isinstance(trial["values"]["approach.words"], int) for trial in one["trials"])


def test_a_budget_ends_the_asking_and_the_winner_still_runs_to_its_end(folder: Path) -> None:
    verb = sweeping.sweep(recipe(folder), over=OVER, budget=0.01, home=folder / "budget")
    _, values = swept(verb)
    assert len(values["trials"]) == halving.FINALISTS
    assert values["trials"][values["winner"]["trial"]]["rungs"][-1]["ended"]


def test_the_recipes_own_values_run_to_the_end_where_that_is_wanted(folder: Path) -> None:
    made = recipe(folder, train={"peak_lr": 1e-6})  # it learns nothing
    verb = sweeping.sweep(made, over=["train.peak_lr=3e-3,1e-2"], baseline=True, home=folder / "own")
    _, values = swept(verb)
    assert values["trials"][0]["rungs"][-1]["ended"]
    own = next(each for each in values["against"] if "own" in each["what"])
    assert (own["trial"], own["at"]) == (0, 1.0)


def test_what_can_t_be_swept_is_refused_before_anything_is_read(folder: Path) -> None:
    home = folder / "refused"
    for over, code in {
        ("train.peek_lr=1,2",): "C101",
        ("train.peak_lr=-1,1e-3",): "C102",
        ("tuning.rank=0..8",): "C102",
        ("tuning.name=lora,nonsense",): "C103",
        ("data.max_broken=0.1,0.2",): "C182",
        ("objective.name=supervised,dpo",): "C182",
        ("approach=linear,tune",): "C182",
        (): "C183",
    }.items():
        with pytest.raises(UsageError) as caught:
            swept(sweeping.sweep(recipe(folder), over=over, home=home))
        assert caught.value.code == code, over
        assert "--set" not in caught.value.where
    assert not home.exists()


def test_a_sweep_needs_validation_rows_and_a_run_of_its_own(folder: Path, done: Any) -> None:
    made = recipe(folder, data={"source": str(folder / "rows.csv"), "split": {"validation": 0}})
    with pytest.raises(DataError) as lacking:
        swept(sweeping.sweep(made, over=OVER, home=folder / "none"))
    assert lacking.value.code == "C185"
    (trained, *_) = runs.list_runs(folder / "again") or [None]
    if trained:
        with pytest.raises(UsageError) as caught:
            swept(sweeping.sweep(resume=trained.id, home=folder / "again"))
        assert caught.value.code == "N509"
    with pytest.raises(UsageError) as told:
        swept(sweeping.sweep(resume=done[2]["run"], over=OVER, home=done[0]))
    assert told.value.code == "C186"


def test_the_library_takes_lists_and_ranges(folder: Path, tmp_path: Path) -> None:
    over = {"train.peak_lr": (1e-4, 1e-2), "tuning.rank": [2, 4]}
    found = tunesmith.sweep(recipe(folder), over, sampler="random", trials=2, home=tmp_path)
    assert len(found["trials"]) == 3
    assert Path(found["winner"]["recipe"]).is_file()
