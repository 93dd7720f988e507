"""1,000 flipped bits and 100 truncations of a bundle and of a checkpoint: all refused, and the file is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from miniature import fit, job
from tunesmith import lifecycle
from tunesmith.errors import IntegrityError
from tunesmith.model import Model
from tunesmith.recipe.sections import Recipe
from tunesmith.train import checkpoint

FLIPS, CUTS = 1000, 100


@pytest.mark.slow
def test_a_damaged_bundle_is_refused_and_the_file_named(tmp_path: Path, seed: int) -> None:
    lines = [
        f"row {n} about {'apples' if n % 2 else 'pears'} {n * 31 % 17},{'a' if n % 2 else 'p'}"
        for n in range(80)
    ]
    (tmp_path / "fruit.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    recipe = Recipe.model_validate({"data": {"source": str(tmp_path / "fruit.csv")}, "approach": "linear"})
    bundle = Path(lifecycle.run(lifecycle.train(recipe, home=tmp_path / "home"))["bundle"])
    damage(bundle, lambda: Model.load(bundle), seed)
    assert Model.load(bundle).predict_texts(["apples"])[0].label == "a"


@pytest.mark.slow
@pytest.mark.neural
def test_a_damaged_checkpoint_is_refused_and_the_file_named(tmp_path: Path, seed: int) -> None:
    fit(job(tmp_path))
    path = sorted((tmp_path / "checkpoints").glob("step-*"))[-1]
    damage(path, lambda: checkpoint.load(path.parent, path.name), seed)
    assert checkpoint.load(path.parent, path.name).state["step"] == 12


def damage(folder: Path, load: Callable[[], object], seed: int) -> None:
    """Damage one file at a time, at random, and mend it again."""
    rng = random.Random(seed)
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    for trial in range(FLIPS + CUTS):
        file = rng.choice(names)
        before = file.read_bytes()
        changed = bytearray(before)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        file.write_bytes(changed if trial < FLIPS else before[: rng.randrange(len(before))])
        with pytest.raises(IntegrityError) as refused:
            load()
        assert (
            file.name in str(refused.value)
            or file.name in refused.value.where
            or file.name == "manifest.json"
        )
        file.write_bytes(before)
