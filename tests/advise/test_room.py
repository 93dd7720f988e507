"""Activations are computed again where they would not fit, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baseshapes import SMOLLM_135M
from tunesmith.advise import memory, room, sizes
from tunesmith.advise.activations import Work
from tunesmith.advise.memory import Plan
from tunesmith.advise.moving import moving


def plan(**options: Any) -> Plan:
    shape = sizes.shape(SMOLLM_135M, counted="formula")
    moves = moving(shape, "full", {}, 0)
    assert moves is not None
    return Plan(shape, moves, Work(rows=8, length=512, size=4, **options), supervised=4096)


def test_what_fits_is_kept_and_what_does_not_is_computed_again() -> None:
    whole = memory.peak(plan())
    assert not room.settled(plan(), "auto", whole + 1).on
    found = room.settled(plan(), "auto", whole - 1)
    assert found.on
    assert found.plan.work.recompute
    assert memory.peak(found.plan) == found.again < found.peak == whole


def test_the_recipe_has_the_last_word() -> None:
    assert room.settled(plan(), "on", 1e15).on
    assert not room.settled(plan(), "off", 1.0).on
    assert not room.settled(plan(recompute=True), "off", 1.0).on


def test_both_figures_are_told_with_the_reason() -> None:
    found = room.settled(plan(), "auto", 1e9)
    told = found.to_json()
    assert told["activations_bytes"]["computed_again"] < told["activations_bytes"]["kept"] / 4
    assert told["peak_bytes"] == {"kept": round(found.peak), "computed_again": round(found.again)}
    assert "because they do not fit otherwise" in room.told(told)
    assert "not needed" in room.told(room.settled(plan(), "auto", 1e15).to_json())
    assert found.finding().code == "A906"
    assert found.finding().numbers["room_bytes"] == 1e9


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    limit.write_text("5000\n")
    used.write_text("2000\n")
    assert room._unlimited(((limit, used),)) == 3000
    limit.write_text("max\n")
    assert room._unlimited(((limit, used), (tmp_path / "none", used))) == float("inf")


def test_this_machine_has_room() -> None:
    assert 1e7 < room.free() < 1e14


@pytest.mark.neural
def test_a_run_decides_once_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    import tinybase
    from miniature import fit, job, weights
    from tunesmith import bases
    from tunesmith.events import Found
    from tunesmith.store import files

    base = bases.resolve(str(tinybase.make(tmp_path / "base")))
    seen, bits = [], []
    for name, free in (("roomy", 1e12), ("narrow", 1e6)):
        monkeypatch.setattr(room, "free", lambda device="cpu", free=free: free)
        run = job(tmp_path / name)
        made = {**run.codec.settings, "max_length": 64}
        run = replace(run, base=base, codec=replace(run.codec, settings=made))
        codes = [event.finding.code for event in fit(run) if isinstance(event, Found)]
        seen.append((codes, files.read_json(run.folder / "checkpointing.json")["on"]))
        bits.append(weights(run))
        monkeypatch.setattr(room, "free", lambda device="cpu": 1e12)
        again = [event for event in fit(replace(run, resume=True)) if isinstance(event, Found)]
        assert again == []
        assert files.read_json(run.folder / "checkpointing.json")["on"] == (name == "narrow")
    assert seen == [([], False), (["A906"], True)]
    assert bits[0] == bits[1]  # on a CPU the same layer computed again gives the same bits
