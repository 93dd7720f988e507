"""A tuned model as the base of another: its weights are merged once and kept as a folder that any recipe can name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith import bases, catalog, doors
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.model import read_codec
from tunesmith.parts import Job, Net, NeuralTask, Tuning
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.registry import Registry
from tunesmith.store import files
from tunesmith.train.engine import local

BUNDLE, DELTA = "bundle.json", "delta.safetensors"
# what goes with the weights: all that says how a base reads, nothing that says where its own weights are
BESIDE = ("*.json", "*.jinja", "tokenizer.model", "vocab.txt", "merges.txt")
REPLACED = ("config.json", "model.safetensors.index.json", files.MANIFEST)


def with_base(recipe: Recipe, home: Path) -> Recipe:
    """The recipe on a folder, where its base is a model of ours: 'name@3', 'name@production', or a bundle's folder.

    The model is noted as the parent.  Any other base stays as it is named.  Raises MissingError N501, N502 for a model
    that is not there, UsageError C171 for one without weights that could be merged.
    """
    name, folder = recipe.base, Path(recipe.base).expanduser()
    if not (folder / BUNDLE).is_file():
        if "@" not in name or folder.exists():
            return recipe
        folder = Registry(home).find(name).folder
    values = {"base": str(_merged(name, folder, home))} | ({} if recipe.parent else {"parent": name})
    return with_values(recipe, values, by="you")


def _merged(name: str, folder: Path, home: Path) -> Path:
    """Where the base is; written at the first call."""
    goal = home / "bases" / files.verify(folder)
    if goal.is_dir():
        files.verify(goal)
        return goal
    staging = files.make_folder(home / "staging" / secrets.token_hex(8))
    try:
        _write(name, folder, staging)
        files.seal(staging)
        files.move_folder(staging, goal)
    finally:
        files.remove(staging)
    return goal


def _write(name: str, folder: Path, goal: Path) -> None:
    recipe = toml.loads((folder / "recipe.toml").read_text("utf-8"), where=str(folder / "recipe.toml"))
    if (folder / "model" / bases.WEIGHTS).is_file():  # it was trained from nothing, and is a base itself
        _beside(folder / "model", goal)
        files.copy(folder / "model" / "config.json", goal / "config.json")
        files.copy(folder / "model" / bases.WEIGHTS, goal / bases.WEIGHTS)
        return
    if not (folder / "model" / DELTA).is_file():
        raise _no_weights(name, f"the approach '{recipe.approach.name}' trains none")
    base = bases.resolve(recipe.base, digest=files.read_json(folder / BUNDLE)["base"])
    net = _net(name, folder, recipe, base)
    _beside(base.folder, goal)
    kind = type(net.backbone).__name__
    files.write_json(goal / "config.json", {**base.config, "architectures": [kind], "dtype": "float32"})
    save = doors.open("safetensors.torch").save_file
    tensors = dict(_tensors(net))
    files.write_with(goal / bases.WEIGHTS, lambda path: save(tensors, path, {"format": "pt"}))


def _net(name: str, folder: Path, recipe: Recipe, base: Base) -> Net:
    """The tuned network, with what was added folded into the base's own tensors."""
    task, tuning = catalog.make("task", recipe.task), catalog.make("tuning", recipe.tuning)
    assert isinstance(task, NeuralTask) and isinstance(tuning, Tuning)
    inside = folder / "model"
    job = Job(task, recipe, (), (), read_codec(folder), base, inside, inside, seed=recipe.train.seed)
    net = local.build(job, tuning)
    try:
        tuning.load(net, doors.open("safetensors.torch").load_file(inside / DELTA))
        return tuning.merge(net.eval())
    except ValueError as misfit:
        raise _no_weights(name, str(misfit)) from None


def _tensors(net: Net) -> Mapping[str, Any]:
    """The backbone's parameters by the names of Hugging Face; tied ones once."""
    return {each: p.detach().float().contiguous() for each, p in net.backbone.named_parameters()}


def _beside(source: Path, goal: Path) -> None:
    for pattern in BESIDE:
        for path in sorted(source.glob(pattern)):
            if path.name not in REPLACED:
                files.copy(path, goal / path.name)


def _no_weights(name: str, why: str) -> UsageError:
    return UsageError(
        "C171",
        f"{name} can't be a base: {why}",
        expected="a model whose weights were tuned in full, in part, or by LoRA, or trained from scratch",
        fixes=("--base minilm", "tunesmith models ls"),
        where="base",
    )
