"""The table's time: what rows declare, how what is left is shared; rates that are tried once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bench.row import Arm

from bench import __main__ as command
from bench import minutes, rates


def test_all_rows_together_take_a_hundred_minutes():
    declared = minutes.declared(command.BENCH / "rows")
    assert set(declared) == set(command.rows())
    assert sum(declared.values()) <= minutes.WHOLE


def test_what_one_does_not_need_goes_to_those_after_it(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    left = minutes.Left({"a": 1, "b": 1, "c": 2}, 40)
    assert left.of("a") == 10
    now[0] = 60 * 4.0
    assert left.of("b") == 12
    now[0] = 60 * 39.0
    assert left.of("c") == 1


def test_a_row_that_is_late_leaves_nothing_below_zero(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    left = minutes.Left({"a": 1, "b": 1}, 10)
    left.of("a")
    now[0] = 60 * 30.0
    assert left.of("b") == 0


# ---- rates --------------------------------------------------------------------------------------------------------

LOOKS = [{"rate": 0.1, "seconds": 1.0, "loss": 2.0}, {"rate": 0.3, "seconds": 1.0, "loss": float("nan")}]


def _arm(tmp_path: Path, **task: object) -> Arm:
    tokens = tmp_path / "tokens.npz"
    if not tokens.exists():
        tokens.write_bytes(b"ids")
    work = {"tokens": str(tokens), "epochs": 3.0, "rate": 0.1, **task}
    return Arm("peer", sys.executable, "hf_sft.py", work, (0.1, 0.3), {"epochs": 1.0})


def test_rates_that_were_tried_are_known_again(tmp_path: Path):
    path, arm = tmp_path / "rates" / "c1.json", _arm(tmp_path)
    assert rates.Rates(path).known(arm) is None
    rates.Rates(path).keep(arm, LOOKS)
    assert rates.Rates(path).known(arm) == [LOOKS[0], {**LOOKS[1], "loss": None}]
    assert rates.Rates(path).known(replace(arm, name="another name of the same")) is not None
    assert rates.Rates(path, again=True).known(arm) is None
    assert str(tmp_path) not in path.read_text("utf-8")


def test_a_longer_comparison_of_the_same_short_grid_knows_its_rates(tmp_path: Path):
    assert rates.key(_arm(tmp_path)) == rates.key(_arm(tmp_path, epochs=9.0))


@pytest.mark.parametrize("change", ["file", "option", "rates", "shorter", "script", "python"])
def test_other_work_has_other_rates(tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch):
    arm = _arm(tmp_path)
    before = rates.key(arm)
    if change == "file":
        (tmp_path / "tokens.npz").write_bytes(b"other ids")
    if change == "python":
        monkeypatch.setattr(rates.hardware, "installed", lambda python: {"torch": "0.1"})
    other = {
        "option": _arm(tmp_path, options={"grouped": True}),
        "rates": replace(arm, rates=(0.1, 1.0)),
        "shorter": replace(arm, shorter={"epochs": 2.0}),
        "script": replace(arm, script="trl_sft.py"),
    }.get(change, arm)
    assert rates.key(other) != before
