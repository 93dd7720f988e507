"""Checkpoints: whole or not there, altered ones refused by name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tunesmith.errors import IntegrityError
from tunesmith.train import checkpoint
from tunesmith.train.checkpoint import Checkpoint

pytestmark = pytest.mark.neural


def saved(folder: Path) -> Path:
    import torch

    tensors = {"weight/a": torch.arange(400.0), "step/a": torch.tensor(3.0)}
    checkpoint.save(folder, "step-00000003", Checkpoint(tensors, {"step": 3}))
    return folder / "step-00000003"


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    saved(tmp_path)
    found, problems = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.state == {"step": 3}
    assert found.tensors["weight/a"].sum() == 400 * 399 / 2
    assert problems == []


def test_every_flipped_bit_and_every_cut_is_refused_by_name(tmp_path: Path, seed: int) -> None:
    path, rng = saved(tmp_path), random.Random(seed)
    names = sorted(file.name for file in path.iterdir())
    for trial in range(200):
        file = path / rng.choice(names)
        before = file.read_bytes()
        changed = bytearray(before)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        file.write_bytes(changed if trial % 4 else before[: rng.randrange(len(before))])
        with pytest.raises(IntegrityError) as refused:
            checkpoint.load(tmp_path, path.name)
        assert refused.value.where
        file.write_bytes(before)
    checkpoint.load(tmp_path, path.name)


def test_a_save_that_was_cut_between_its_renames_leaves_the_best_in_reach(tmp_path: Path) -> None:
    import torch

    checkpoint.save(tmp_path, "best", Checkpoint({"weight/a": torch.ones(2)}, {"step": 1}))
    (tmp_path / "best").rename(tmp_path / "best.old-abc123")
    found = checkpoint.recover_best(tmp_path)
    assert found is not None
    assert found.state == {"step": 1}


def test_without_checkpoints_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) == (None, [])
    assert checkpoint.recover_best(tmp_path) is None
