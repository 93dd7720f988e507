"""Runs: their events, how they end, who holds them, how they are found and followed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.errors import CapacityError, Interrupted, MissingError, UsageError
from tunesmith.events import Event, Finished, Found, Measured, Note, Progress, Saved, Stage, Step
from tunesmith.findings import Finding
from tunesmith.recipe.sections import Data, Recipe
from tunesmith.store import files, runs
from tunesmith.store.runs import Run

RECIPE = Recipe(data=Data(source="a.csv"))


def step(number: int) -> Step:
    return Step(number, number / 10, {"label": 1 / number}, 1e-4, 0.5, number * 32)


def measured(number: int) -> Measured:
    return Measured("tune", "validation", {"accuracy": {"value": number / 100}}, number)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs.create(tmp_path, RECIPE, {"data": "3fa2"})


def test_a_new_run_keeps_recipe_and_lineage(run: Run, tmp_path: Path) -> None:
    again = runs.open_run(tmp_path, run.id)
    assert (again.recipe, again.lineage, again.status) == (RECIPE, {"data": "3fa2"}, "interrupted")
    assert run.folder.parent == tmp_path / "runs"
    again.save_recipe(RECIPE.model_copy(update={"base": "other"}))
    assert run.recipe.base == "other"


def test_events_come_back_as_they_were(run: Run) -> None:
    given_ = [Stage("fit"), step(1), measured(1), Saved("checkpoint", "x", "ab", 1), Note("a", "warning")]
    given_ += [Found(Finding("D101", "warning", "twins", 2)), Finished({"score": 0.5})]
    with run.hold():
        for event in given_:
            run.append(event)
            run.append(Progress("fit", 1, 2, 0.1))
    assert list(run.events()) == given_
    assert run.status == "finished"


def test_steps_wait_for_company_but_not_for_long(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    written: list[int] = []
    append = files.append
    monkeypatch.setattr(files, "append", lambda path, *v: (written.append(len(v)), append(path, *v)))
    for number in range(1, 101):
        now[0] += 0.05
        run.append(step(number))
    assert len(written) <= 6  # five seconds of training
    run.append(Note("next"))
    assert sum(written) == 101


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (RuntimeError("bug"), "failed"),
        (CapacityError("R601", "full"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (Interrupted("R130", "stop"), "interrupted"),
    ],
)
def test_how_a_run_ends_is_recorded(run: Run, ending: BaseException, status: str) -> None:
    def work() -> None:
        with run.hold():
            run.append(step(1))
            raise ending

    with pytest.raises(type(ending)):
        work()
    assert run.status == status
    assert next(run.events()) == step(1)
    if isinstance(ending, CapacityError):
        assert run.error is not None
        assert run.error["code"] == "R601"


def test_a_failed_run_that_was_resumed_and_finished_is_finished(run: Run) -> None:
    with pytest.raises(RuntimeError), run.hold():
        raise RuntimeError
    assert run.status == "failed"
    with run.hold():
        run.append(Note("resumed at step 0"))
        assert run.status == "running"
        run.append(Finished({}))
    assert (run.status, run.error) == ("finished", None)


def test_a_run_is_held_by_one_process_only(run: Run, tmp_path: Path) -> None:
    other = runs.open_run(tmp_path, run.id)
    with run.hold():
        assert other.status == "running"
        with pytest.raises(UsageError) as caught, other.hold():
            pass
        assert caught.value.code == "N505"
    with other.hold():
        pass


def test_a_killed_run_is_interrupted_and_can_be_taken_up(run: Run, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom tunesmith.events import Note\n"
        "from tunesmith.store import runs\n"
        "run = runs.open_run(Path(sys.argv[1]), sys.argv[2])\n"
        "with run.hold():\n    run.append(Note('on')); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), run.id], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    assert run.status == "running"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert run.status == "interrupted"
    with run.hold():
        assert list(run.events()) == [Note("on")]


def test_after_a_resume_later_steps_no_longer_count(run: Run) -> None:
    for number in (1, 2, 3, 4):
        run.append(step(number))
        run.append(measured(number))
    run.append(Saved("checkpoint", "c2", step=2))
    run.append(Saved("checkpoint", "c4", step=4))
    run.append(Note("stays"))
    run.append(Note("resumed at step 2"))
    run.append(step(3))
    run.flush()
    kept = [(type(event).__name__, getattr(event, "step", 0)) for event in run.events()]
    steps = [("Step", 1), ("Measured", 1), ("Step", 2), ("Measured", 2), ("Saved", 2)]
    assert kept == [*steps, ("Note", 0), ("Note", 0), ("Step", 3)]


@given(st.lists(st.integers(1, 9), max_size=6))
@settings(max_examples=40, deadline=None)
def test_any_chain_of_resumes_equals_no_interruption(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    run = runs.create(tmp_path_factory.mktemp("home"), RECIPE, {})
    at = 0
    for cut in cuts:  # train on for `cut` steps, be killed, go on from the last multiple of three
        for number in range(at + 1, at + cut + 1):
            run.append(step(number))
        run.flush()
        at = (at + cut) // 3 * 3
        run.append(Note(f"resumed at step {at}"))
    run.append(step(at + 1))
    run.flush()
    assert [event for event in run.events() if isinstance(event, Step)] == [step(n) for n in range(1, at + 2)]


def test_a_torn_or_strange_line_is_passed_over(run: Run) -> None:
    run.append(Note("one"))
    with run.log.open("ab") as file:
        file.write(b'3\n{"event": "unheard"}\n{"event": "note", "te')
    run.append(Note("two"))
    assert list(run.events()) == [Note("one"), Note("two")]


def test_ids_may_be_shortened_while_unique(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("20261120-161500-3fa2", "20261120-161501-3fa2", "20261121-090000-77aa"):
        monkeypatch.setattr(runs, "_new_id", lambda name=name: name)
        runs.create(tmp_path, RECIPE, {})
    assert [run.id[-11:] for run in runs.list_runs(tmp_path)] == ["090000-77aa", "161501-3fa2", "161500-3fa2"]
    assert runs.open_run(tmp_path, "77aa").id == runs.open_run(tmp_path, "20261121").id
    with pytest.raises(UsageError, match="N504"):
        runs.open_run(tmp_path, "3fa2")
    with pytest.raises(MissingError, match="N503") as caught:
        runs.open_run(tmp_path, "20261121-090000-77ab")
    assert "20261121-090000-77aa" in caught.value.fixes[0]
    for name in ("", "../runs", "*"):
        with pytest.raises(MissingError):
            runs.open_run(tmp_path, name)


def test_two_runs_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["20261120-161500-0000", "20261120-161500-0000", "20261120-161500-0001"])
    monkeypatch.setattr(runs, "_new_id", lambda: next(ids))
    assert [runs.create(tmp_path, RECIPE, {}).id[-1] for _ in range(2)] == ["0", "1"]


def test_what_is_no_run_is_not_listed(tmp_path: Path) -> None:
    assert runs.list_runs(tmp_path) == []
    (tmp_path / "runs" / "20261120-161500-aaaa").mkdir(parents=True)
    (tmp_path / "runs" / "notes").mkdir()
    assert runs.list_runs(tmp_path) == []


def test_watching_follows_a_live_run_to_its_end(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_POLL_SECONDS", 0.01)
    run.append(step(1))
    run.append(step(2))
    run.append(Note("resumed at step 1"))
    seen: list[Event] = []
    watcher = threading.Thread(target=lambda: seen.extend(runs.watch(runs.open_run(tmp_path, run.id))))
    with run.hold():
        watcher.start()
        for number in (2, 3):
            time.sleep(0.05)
            run.append(step(number))
            run.append(Note(str(number)))
        run.append(Finished({"done": True}))
    watcher.join(10)
    assert not watcher.is_alive()
    assert [event.step for event in seen if isinstance(event, Step)] == [1, 2, 3]
    assert seen[-1] == Finished({"done": True})


def test_watching_a_killed_run_ends_when_patience_does(run: Run) -> None:
    run.append(Note("one"))
    begin = time.monotonic()
    assert list(runs.watch(run, patience=0.3)) == [Note("one")]
    assert 0.3 <= time.monotonic() - begin < 20
