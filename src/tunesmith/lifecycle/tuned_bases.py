"""A tuned model as the base of another: its weights are merged once and kept as a folder that any recipe can name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith import bases, doors
from tunesmith.approaches import _tuned
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.lifecycle import origins
from tunesmith.parts import Net, Origin
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.registry import Registry
from tunesmith.store import files

# what goes with the weights: all that says how a base reads, nothing that says where its own weights are
BESIDE = ("*.json", "*.jinja", "tokenizer.model", "vocab.txt", "merges.txt")
REPLACED = ("config.json", "model.safetensors.index.json", files.MANIFEST)


def with_base(recipe: Recipe, home: Path) -> Recipe:
    """The recipe on a folder, where its base is a model of ours: 'name@3', 'name@production', or a bundle's folder.

    The model is noted as the parent.  Any other base stays as it is named.  Raises MissingError N501, N502 for a model
    that is not there, UsageError C171 for one without weights that could be merged.
    """
    folder = _ours(recipe.base, home)
    if folder is None:
        return recipe
    values = {"base": str(_merged(recipe.base, folder, home))}
    return with_values(recipe, values | ({} if recipe.parent else {"parent": recipe.base}), by="you")


def configured(name: str, home: Path) -> Base | None:
    """A model of ours as a base of which only configuration and tokenizer are read: nothing is merged or written.

    None where it is none of ours.  Raises what `with_base` raises, but for weights that turn out not to be mergeable.
    """
    folder = _ours(name, home)
    if folder is None:
        return None
    origin = _origin(name, folder)
    return Base(name, origin.base.folder, origin.base.digest)


def _ours(name: str, home: Path) -> Path | None:
    """The bundle's folder, None where another base is named."""
    folder = Path(name).expanduser()
    if (folder / origins.BUNDLE).is_file():
        return folder
    return Registry(home).find(name).folder if "@" in name and not folder.exists() else None


def _merged(name: str, folder: Path, home: Path) -> Path:
    """Where the base is; written at the first call."""
    goal = home / "bases" / files.verify(folder)
    if goal.is_dir():
        files.verify(goal)
        return goal
    staging = files.make_folder(home / "staging" / secrets.token_hex(8))
    try:
        _write(_origin(name, folder), staging)
        files.seal(staging)
        files.move_folder(staging, goal)
    finally:
        files.remove(staging)
    return goal


def _origin(name: str, folder: Path) -> Origin:
    recipe = origins.recipe_of(folder)
    if not origins.trained(recipe):
        raise _no_weights(name, f"the approach '{recipe.approach.name}' trains none")
    found = origins.read(folder, name)
    if found.tuning is not None and not found.tuning.measurable:
        raise _no_weights(name, f"what the tuning '{recipe.tuning.name}' adds can't be folded into its base")
    return found


def _write(origin: Origin, goal: Path) -> None:
    base = origin.base
    _beside(base.folder, goal)
    if origin.tuning is None:  # it was trained from nothing, and is a base itself
        files.copy(base.folder / "config.json", goal / "config.json")
        files.copy(base.folder / bases.WEIGHTS, goal / bases.WEIGHTS)
        return
    try:
        net = origin.merged(_tuned.opened(origin).net)
    except ValueError as misfit:
        raise _no_weights(origin.name, str(misfit)) from None
    kind = type(net.backbone).__name__
    files.write_json(goal / "config.json", {**base.config, "architectures": [kind], "dtype": "float32"})
    save = doors.open("safetensors.torch").save_file
    tensors = dict(_tensors(net))
    files.write_with(goal / bases.WEIGHTS, lambda path: save(tensors, path, {"format": "pt"}))


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
