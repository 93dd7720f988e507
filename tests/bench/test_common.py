"""What arms share: the clock, rows of a tokens file, their hash, and how far weights moved."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.arms import _common


@given(st.lists(st.lists(st.integers(0, 2**40), max_size=5), max_size=5))
def test_the_hash_is_of_the_ids_in_their_order_whatever_holds_them(rows: list[list[int]]):
    asked = _common.sha256(rows)
    assert asked == _common.sha256(np.array(row, dtype=np.int64) for row in rows)
    assert asked != _common.sha256([*rows, [1]])


def test_rows_of_a_tokens_file_are_cut_at_their_offsets(tmp_path: Path):
    path = tmp_path / "tokens.npz"
    np.savez(path, ids=np.array([1, 2, 3], np.int32), offsets=np.array([0, 1, 3]), labels=np.array([0, 1]))
    ids, columns = _common.rows(str(path))
    assert [row.tolist() for row in ids] == [[1], [2, 3]]
    assert all(row.dtype == np.int64 for row in ids) and columns["labels"].tolist() == [0, 1]


def test_the_task_is_the_file_that_the_runner_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "task.json").write_text('{"batch": 16}', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["arm.py", str(tmp_path / "task.json")])
    assert _common.task() == {"batch": 16}


def test_phases_add_up_and_what_is_skipped_counts_for_none(capsys: pytest.CaptureFixture[str]):
    clock = _common.Clock()
    assert clock.ends("import") > 0  # the interpreter's own start is in it
    clock.last -= 5
    clock.skips()
    clock.last -= 1
    clock.ends("train")
    clock.last -= 1
    clock.ends("train")
    clock.say(rows=3)
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["rows"] == 3 and 2 <= said["seconds"]["train"] < 3
    assert set(said["seconds"]) == set(_common.PHASES)


@pytest.mark.neural
def test_the_change_of_weights_is_relative_to_their_size():
    import torch

    net: Any = torch.nn.Linear(2, 1, bias=False)
    before = _common.trained(net)
    with torch.no_grad():
        net.weight *= 1.5
    assert _common.moved(before, dict(net.named_parameters())) == pytest.approx(0.5)
    net(torch.ones(1, 2)).sum().backward()
    assert _common.gradient_norm(net) == pytest.approx(2**0.5)
