"""Runs that end early: goals that are not reached, time that is over, a stop by hand, a peer that fails later."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.course import Course, Measured, Pace
from bench.processes import Failed
from bench.row import Arm, Bench, Goal, Options, Run

from bench import keeping, running, table

ASKED = {"best": 4, "default": 2}


def arm(name: str, *seconds: float, reaches: bool = True) -> Arm:
    """An arm whose runs take these seconds, the last one again and again."""
    return Arm(name, sys.executable, "none.py", {"seconds": list(seconds), "reaches": reaches})


class Played:
    """Runs without processes: what the arms' tasks say, and a clock that they move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, stop: int = 0, fail: int = 0) -> None:
        self.now, self.done, self.stop, self.fail = 0.0, list[str](), stop, fail
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr(Course, "run", lambda course, given, **_: self.run(course, given))

    def run(self, course: Course, given: Arm) -> Measured:
        """The arm's next seconds."""
        if len(self.done) + 1 == self.stop:
            raise KeyboardInterrupt
        self.done.append(given.name)
        if len(self.done) == self.fail:
            raise Failed("out of luck")
        times: Sequence[float] = given.task["seconds"]
        seconds = times[min(self.done.count(given.name), len(times)) - 1]
        self.now += seconds
        said = {"tokens_sha256": "0f", "updates": 1, "moved": 0.1, "gradient_norm": 1.0, "first_loss": 1.0}
        run = Run(given, Path(), seconds, seconds, 1000, 0.0, 0.0, said)
        bound = "" if given.task["reaches"] else f"not reached in {seconds:.0f} s"
        return Measured(run, {"seconds": seconds, "cpu": seconds, "peak": 1000.0}, bound=bound)


def measured(ours: Arm, folder: Path, seconds: float = 1e9, control: int = 0, **peers: Arm) -> dict[str, Any]:
    """A part whose columns ask for 4 and 2 pairs."""
    columns = {name: [each] for name, each in peers.items()}
    bench = Bench("X1", "", "nothing", ours, columns, [Goal("best", 2.0, 3.0)], pairs=ASKED)
    options = Options(False, folder, folder, sys.executable, sys.executable, 1)
    return running.measured(bench, options, folder, Pace(0.0, control=control, seconds=seconds))


def pairs(found: dict[str, Any], column: str = "best") -> int:
    return found["columns"][column]["ratios"]["cpu"]["pairs"]


def test_a_peer_that_does_not_reach_the_goal_has_a_bound_and_runs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    played = Played(monkeypatch)
    found = measured(arm("ours", 100.0), tmp_path, best=arm("peer", 285.0, reaches=False))
    column = found["columns"]["best"]
    assert played.done == ["ours", "peer"]
    assert column["ratios"]["seconds"] == {
        "value": 2.85,
        "low": 2.85,
        "high": 2.85,
        "pairs": 1,
        "bound": "at least",
    }
    assert column["medians"]["B"] == {
        "seconds": None,
        "cpu": 285.0,
        "peak": 1000.0,
        "bound": "not reached in 285 s",
    }
    assert column["runs"][1]["seconds"] is None and column["runs"][1]["bound"] == "not reached in 285 s"
    assert "bound" in column["ended"] and column["asked"] == 4
    assert found["verdicts"][0]["outcome"] == "floor met"
    lines = "\n".join(table.markdown([found]))
    assert (
        "≥ 2.85× of 1" in lines
        and "100 s, not reached in 285 s" in lines
        and "1 of 4 pairs (the goal was not reached" in lines
    )


@pytest.mark.parametrize(("seconds", "outcome"), [(50.0, "met"), (100.0, "floor met"), (200.0, "not shown")])
def test_a_bound_below_a_goal_does_not_say_that_it_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, outcome: str
):
    Played(monkeypatch)
    found = measured(arm("ours", seconds), tmp_path, best=arm("peer", 285.0, reaches=False))
    assert found["verdicts"][0]["outcome"] == outcome


@pytest.mark.parametrize(("reaches", "outcome"), [(True, "missed floor"), (False, "not reached")])
def test_ours_short_of_the_goal_never_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reaches: bool, outcome: str
):
    Played(monkeypatch)
    found = measured(arm("ours", 10.0, reaches=False), tmp_path, best=arm("peer", 285.0, reaches=reaches))
    assert found["verdicts"][0]["outcome"] == outcome
    assert "not reached in 10 s" in "\n".join(table.markdown([found]))


def test_pairs_that_do_not_fit_are_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Played(monkeypatch)
    found = measured(arm("ours", 10.0), tmp_path, 200.0, best=arm("peer", 50.0))
    assert pairs(found) == 3
    assert found["columns"]["best"]["ended"] == "no time for another pair"


def test_a_column_takes_its_share_of_the_time_and_its_first_pair_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    played = Played(monkeypatch)
    found = measured(
        arm("ours", 10.0), tmp_path, 180.0, 1, best=arm("peer", 50.0), default=arm("slow", 250.0)
    )
    assert (pairs(found), pairs(found, "default")) == (1, 1)
    assert found["control"]["failed"] == "no time for it"
    assert played.done == ["ours", "peer", "slow"], "ours, one run before, stands beside the next column too"
    assert [run.get("shared") for run in found["columns"]["default"]["runs"]] == [True, None]


def test_a_stop_by_hand_keeps_whole_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    played = Played(monkeypatch, stop=6)
    found = measured(arm("ours", 10.0), tmp_path, best=arm("peer", 50.0), default=arm("slow", 80.0))
    assert pairs(found) == 2 and len(played.done) == 5
    assert found["stopped"] == found["columns"]["best"]["ended"] == "stopped by hand"
    assert "default" not in found["columns"]
    assert "ended early: stopped by hand" in "\n".join(table.markdown([found]))


def test_a_stop_before_the_first_pair_keeps_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Played(monkeypatch, stop=2)
    found = measured(arm("ours", 10.0), tmp_path, best=arm("peer", 50.0))
    assert found["stopped"] == "stopped by hand" and found["columns"] == {}
    assert [each["outcome"] for each in found["verdicts"]] == ["not run"]


def test_a_peer_that_fails_later_keeps_its_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Played(monkeypatch, fail=4)
    found = measured(arm("ours", 10.0), tmp_path, best=arm("peer", 50.0), default=arm("slow", 80.0))
    assert pairs(found) == 1 and found["columns"]["best"]["ended"] == "out of luck"
    assert pairs(found, "default") == 2


def test_a_stop_ends_the_arm_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import os
    import time

    from bench import processes

    fake = Arm("sleeper", sys.executable, str(Path(__file__).parent / "arms.py"), {"seconds": 1, "sleep": 60})
    begun: list[int] = []
    rest = time.sleep

    def stop(seconds: float) -> None:
        begun.extend(int(each) for each in _children())
        rest(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes.time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        processes.run(fake, tmp_path)
    assert begun and not any(_runs(each) for each in begun)
    assert os.getpid() not in begun


def _children() -> list[str]:
    return Path(f"/proc/self/task/{_thread()}/children").read_text().split()


def _thread() -> int:
    import threading

    return threading.get_native_id()


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]
    except OSError:
        return False


# ---- on disk ------------------------------------------------------------------------------------------------------


def test_what_is_no_number_is_null_and_parts_stand_beside_each_other(tmp_path: Path):
    part: dict[str, Any] = {"row": "X1", "part": "one", "loss": float("nan"), "seconds": float("inf")}
    for name in ("one", "two"):
        kept = keeping.Kept(tmp_path, "x1", {"ours": sys.executable}, quick=False, threads=1)
        kept.keep({**part, "part": name, "why": f"no {tmp_path}/file"})
        kept.keep({**part, "part": name, "why": f"no {tmp_path}/file", "known": "more"})
    (path,) = tmp_path.glob("*.json")
    text = path.read_text("utf-8")
    parts = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["parts"]
    assert [(each["part"], each["loss"], each["known"]) for each in parts] == [
        ("one", None, "more"),
        ("two", None, "more"),
    ]
    assert str(tmp_path) not in text


def test_an_arm_that_computes_what_another_does_takes_its_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Played(monkeypatch)
    first = replace(arm("first", 4.0, 2.0, 4.0), rates=(1.0, 3.0, 10.0))
    second = replace(arm("second", 5.0), like="first")
    bench = Bench("X1", "", "nothing", arm("ours", 1.0), {"best": [first, second]}, [], by_time=True)
    options = Options(False, tmp_path, tmp_path, sys.executable, sys.executable, 1)
    found = running.measured(bench, options, tmp_path, Pace(0.0, most=1, control=0))
    assert [each["rate"] for each in found["grid"]["first"]] == [1.0, 3.0, 10.0]
    assert [each["rate"] for each in found["grid"]["second"]] == [3.0]
