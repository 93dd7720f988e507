"""The GPU rows in miniature on a CPU: their course is whole, and their arithmetic of work is right."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
STEPS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


def trained(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, *flags: str) -> Any:
    from bench.gpu import ours, shapes, work

    task = work.prepare(shapes.tiny(shapes.ROWS[name]), folder, STEPS)
    monkeypatch.setattr(sys, "argv", ["ours", str(task), "--device", "cpu", "--tiny", *flags])
    capsys.readouterr()
    ours.main()
    said = capsys.readouterr().out.splitlines()
    return json.loads(next(line for line in said if line.startswith('{"arm"')))


@pytest.mark.parametrize("name", ["G1", "G2", "G3", "G4"])
def test_a_row_trains_in_miniature(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.gpu import shapes, work

    said = trained(name, folder, monkeypatch, capsys)
    row = shapes.tiny(shapes.ROWS[name])
    assert said["tokens_sha256"] == work.digest(work.sequences(work.rows(row, STEPS)))
    assert said["timed_steps"] == len(said["step_seconds"]) == STEPS - 1
    assert said["adapters"] == row.adapters
    assert said["moved"] > 0 and said["gradient_norm"] > 0 and said["peak_memory"] > 0
    first = math.log(2) if row.pairs else math.log(row.config["vocab_size"])
    assert said["first_loss"] == pytest.approx(first, abs=0.2)
    assert said["real_tokens_per_second"] > 0 and 0 < said["mfu"] < 2


def test_the_shapes_have_the_published_sizes() -> None:
    from bench.gpu import shapes

    assert shapes.matrices(shapes.LLAMA_8B) == 8_030_261_248 - 2 * 128256 * 4096 - 65 * 4096
    # Qwen's maps of queries, keys and values have a bias each
    biases = 24 * (896 + 2 * 128)
    assert shapes.matrices(shapes.QWEN_05B) == 494_032_768 - 151936 * 896 - 49 * 896 - biases


def test_useful_work_is_counted_once_for_a_shared_prompt() -> None:
    from bench.gpu import shapes, work

    counted = work.counts([{"prompt": [3] * 10, "answer": [3] * 4, "rejected": [3] * 6}])
    assert counted == {"tokens": 20, "seen": (14**2 + 16**2 - 10**2) / 2, "learnt": 10}
    row = shapes.ROWS["G2"]
    head = 6 * 151936 * 896 * 7
    assert shapes.operations(row, 9, 0.0, 7) == 6 * shapes.matrices(row.config) * 9 + head


def test_a_ratio_has_an_interval_and_an_arm_that_failed_has_none() -> None:
    from bench.gpu import __main__ as runner

    runs = [
        {"arm": arm, "real_tokens_per_second": speed}
        for arm, speed in [("ours", 30.0), ("trl", 10.0), ("trl", 12.0), ("ours", 24.0)]
    ]
    found = runner._ratios([*runs, {"arm": "unsloth", "failed": 1}])
    assert found.keys() == {"trl"}
    assert (
        found["trl"]["n"] == 2 and found["trl"]["low"] <= found["trl"]["ratio"] == 2.5 <= found["trl"]["high"]
    )
    assert runner._order(["a", "b"], 4) == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_without_a_gpu_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from bench.gpu import __main__ as runner

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["bench.gpu", "G1"])
    with pytest.raises(SystemExit, match="not run"):
        runner.main()
