"""Rows of tiny programs: ratios, the grid, the choice of a peer, checks, verdicts, and an arm that fails."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.course import Pace
from bench.row import Arm, Bench, Goal, Options, Run

from bench import processes, running

FAKE = str(Path(__file__).parent / "arms.py")
PACE = Pace(idle=0.0, most=1, control=1)


def _arm(name: str, seconds: float, **task: Any) -> Arm:
    return Arm(name, sys.executable, FAKE, {"seconds": seconds, "dtype": "float32", **task})


def _judge(run: Run) -> Mapping[str, Any]:
    rate = float((run.folder / "out" / "model.txt").read_text("utf-8"))
    return {"loss": abs(rate - 0.3), "rows": [abs(rate - 0.3)] * 4}


def _bench(ours: Arm, **peers: Any) -> Bench:
    goals = [Goal("best", 2.0, 3.0), Goal("leanest", 0.1, measure="peak")]
    columns = {name: each if isinstance(each, list) else [each] for name, each in peers.items()}
    return Bench("X1", "", "nothing at all", ours, columns, goals, judge=_judge, quality="loss", better=-1)


def _measured(bench: Bench, folder: Path, pace: Pace = PACE) -> dict[str, Any]:
    options = Options(True, folder, folder, sys.executable, sys.executable, 1)
    return running.measured(bench, options, folder / "runs", pace)


def test_a_ratio_is_the_peers_seconds_by_ours(tmp_path: Path):
    found = _measured(_bench(_arm("ours", 1.0), best=_arm("peer", 4.0), default=_arm("slow", 8.0)), tmp_path)
    assert found["columns"]["best"]["ratios"]["seconds"] == {
        "value": 4.0,
        "low": 4.0,
        "high": 4.0,
        "pairs": 1,
    }
    assert found["columns"]["default"]["ratios"]["seconds"]["value"] == 8.0
    assert found["control"]["sound"]
    assert [each["outcome"] for each in found["verdicts"]] == ["met", "met"]
    assert not list((tmp_path / "runs").glob("*/out")), "what arms saved is thrown away when it was judged"


@pytest.mark.parametrize(("seconds", "outcome"), [(3.5, "met"), (2.5, "missed goal"), (1.5, "missed floor")])
def test_a_goal_is_met_or_missed(tmp_path: Path, seconds: float, outcome: str):
    found = _measured(_bench(_arm("ours", 1.0), best=_arm("peer", seconds)), tmp_path)
    assert found["verdicts"][0]["outcome"] == outcome


def test_each_arm_runs_at_the_rate_that_its_grid_chose(tmp_path: Path):
    ours = replace(_arm("ours", 1.0, rate=0.1), rates=(0.1, 0.3, 1.0))
    found = _measured(_bench(ours, best=_arm("peer", 4.0, rate=0.3)), tmp_path)
    assert [each["rate"] for each in found["grid"]["ours"]] == [0.1, 0.3, 1.0]
    assert found["columns"]["best"]["arms"][0]["task"]["rate"] == 0.3
    assert found["columns"]["best"]["quality"]["difference"]["n"] == 4


def test_of_several_peers_the_fastest_of_equal_quality_counts(tmp_path: Path):
    peers = [_arm("slow", 5.0, rate=0.3), _arm("fast", 3.0, rate=0.3), _arm("bad", 1.0, rate=0.0)]
    found = _measured(_bench(_arm("ours", 1.0, rate=0.3), best=peers), tmp_path)
    assert found["columns"]["best"]["arms"][1]["name"] == "fast"


def test_a_worse_model_makes_the_ratio_void(tmp_path: Path):
    found = _measured(_bench(_arm("ours", 1.0, rate=0.0), best=_arm("peer", 4.0, rate=0.3)), tmp_path)
    assert found["verdicts"][0]["outcome"] == "void"
    assert not found["columns"]["best"]["quality"]["equal"]


@pytest.mark.parametrize("other", [{"hash": "1e"}, {"loss": 2.1}])
def test_other_tokens_or_another_beginning_make_the_ratio_void(tmp_path: Path, other: dict[str, Any]):
    found = _measured(_bench(_arm("ours", 1.0), best=_arm("peer", 4.0, **other)), tmp_path)
    assert found["verdicts"][0]["outcome"] == "void"


def test_an_arm_that_fails_ends_its_column_alone(tmp_path: Path):
    found = _measured(
        _bench(_arm("ours", 1.0), default=_arm("broken", 1.0, fails=True), best=_arm("peer", 4.0)), tmp_path
    )
    assert "out of luck" in found["columns"]["default"]["failed"]
    assert found["verdicts"][0]["outcome"] == "met"


def test_a_peer_that_cannot_run_has_no_ratio(tmp_path: Path):
    found = _measured(
        _bench(_arm("ours", 1.0), best=replace(_arm("peer", 1.0), cannot="needs a GPU")), tmp_path
    )
    assert found["columns"]["best"] == {"cannot": {"peer": "needs a GPU"}}
    assert found["verdicts"][0]["outcome"] == "not run"


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path):
    with pytest.raises(processes.Failed, match="after 1 s"):
        processes.run(_arm("sleeper", 1.0, sleep=30.0), tmp_path, limit=1.0)


def test_results_name_no_path_of_the_machine(tmp_path: Path):
    ours = _arm("ours", 1.0, weights=str(tmp_path))
    assert str(tmp_path) not in repr(_measured(_bench(ours, best=_arm("peer", 4.0)), tmp_path)["columns"])
