"""Kill -9 a training process at random moments, some of them inside saves: the final bits are the same."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from miniature import fit, job, weights

pytestmark = [pytest.mark.neural, pytest.mark.slow]
CHILD = """
import sys
from pathlib import Path
from miniature import fit, job
fit(job(Path(sys.argv[1]), tuning={tuning}, resume=True, epochs=40, save_steps=2))
"""
KILLS = 8


@pytest.mark.parametrize("tuning", ["'full'", "{'name': 'lora', 'rank': 4}"], ids=["full", "lora"])
def test_killed_runs_end_with_the_bits_of_an_uninterrupted_one(
    tmp_path: Path, seed: int, tuning: str
) -> None:
    whole = job(tmp_path / "whole", tuning=eval(tuning), epochs=40, save_steps=2)
    fit(whole)
    wanted, rng, folder = hashlib.sha256(weights(whole)).hexdigest(), random.Random(seed), tmp_path / "killed"
    script, killed = CHILD.format(tuning=tuning), 0
    for attempt in range(KILLS + 1):
        child = subprocess.Popen([sys.executable, "-c", script, str(folder)], env=_environment())
        if attempt < KILLS:
            killed += _kill_while_training(child, folder, rng)
        else:
            assert child.wait(timeout=120) == 0
    assert killed >= KILLS - 2, "the kills came too late to mean anything"
    assert hashlib.sha256((folder / "model" / "delta.safetensors").read_bytes()).hexdigest() == wanted


def _kill_while_training(child: subprocess.Popen[bytes], folder: Path, rng: random.Random) -> bool:
    """Kill a moment after the next checkpoint appears, or while one is being written."""
    before = _newest(folder)
    deadline = time.monotonic() + 60
    while _newest(folder) == before and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(rng.random() * 0.08)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def _newest(folder: Path) -> str:
    return max((path.name for path in folder.glob("checkpoints/*step-*")), default="")


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
