"""Kill -9 a training process at random moments, some of them inside saves: the final bits are the same."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import signal
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from miniature import fit, job, weights

pytestmark = [pytest.mark.neural, pytest.mark.slow]
# children are forked from a process that has loaded torch already: they begin at once
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["torch._dynamo", "transformers.models.bert.modeling_bert", "tunesmith.nn.encoder"]
)
TUNINGS: dict[str, Any] = {"full": "full", "lora": {"name": "lora", "rank": 4}}
KILLS = 8


@pytest.mark.parametrize("tuning", TUNINGS)
def test_killed_runs_end_with_the_bits_of_an_uninterrupted_one(
    tmp_path: Path, seed: int, tuning: str
) -> None:
    whole = job(tmp_path / "whole", tuning=TUNINGS[tuning], epochs=20, save_steps=2)
    fit(whole)
    wanted, rng, folder = hashlib.sha256(weights(whole)).hexdigest(), random.Random(seed), tmp_path / "killed"
    killed = 0
    for attempt in range(KILLS + 1):
        child = FORKS.Process(target=_train, args=(folder, tuning))
        child.start()
        if attempt < KILLS:
            killed += _kill_while_training(child, folder, rng)
        else:
            child.join(120)
            assert child.exitcode == 0
    assert killed >= KILLS - 2, "the kills came too late to mean anything"
    assert hashlib.sha256((folder / "model" / "delta.safetensors").read_bytes()).hexdigest() == wanted


def _train(folder: Path, tuning: str) -> None:
    fit(job(folder, tuning=TUNINGS[tuning], resume=True, epochs=20, save_steps=2))


def _kill_while_training(child: ForkServerProcess, folder: Path, rng: random.Random) -> bool:
    """Kill a moment after the next checkpoint appears, or while one is being written."""
    before = _newest(folder)
    deadline = time.monotonic() + 60
    while _newest(folder) == before and child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(rng.random() * 0.08)
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


def _newest(folder: Path) -> str:
    return max((path.name for path in folder.glob("checkpoints/*step-*")), default="")
