"""What a bundle tells of its model before a tensor is read, and whether the model has weights that can leave."""

from __future__ import annotations

from pathlib import Path

from tunesmith import bases, catalog
from tunesmith.errors import UsageError
from tunesmith.home import home_folder
from tunesmith.model import read_codec
from tunesmith.names import ModelVersion
from tunesmith.parts import Origin
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.registry import Registry
from tunesmith.store import files
from tunesmith.tasks._language import LanguageTask


def found(ref: str, home: Path | str | None) -> tuple[Path, str]:
    """(folder, name) of a bundle by 'name', 'name@3', 'name@production', or by its folder."""
    folder = Path(ref)
    if (folder / files.MANIFEST).is_file():
        return folder, files.read_json(folder / "bundle.json")["name"]
    version: ModelVersion = Registry(home_folder(home)).find(ref)
    return version.folder, version.ref


def origin(folder: Path, name: str) -> Origin:
    """The model of a bundle whose files are checked first.

    Raises UsageError W101 for one that has no weights of its own or does not answer in words, and what
    `Model.load` raises of a damaged bundle or a base that can't be had.
    """
    files.verify(folder)
    recipe = toml.loads((folder / "recipe.toml").read_text("utf-8"), where=str(folder / "recipe.toml"))
    task, inside = catalog.make("task", recipe.task), folder / "model"
    if not isinstance(task, LanguageTask):
        raise _nothing(name, f"is a model for {recipe.task.name}", "a model that writes texts")
    if not catalog.part("approach", recipe.approach.name).trains:
        raise _nothing(name, _without(recipe), "a model whose weights were trained (tune, scratch)")
    if (inside / bases.WEIGHTS).is_file():  # it was trained from nothing, and is a base itself
        base = bases.resolve(str(inside.resolve()))
        return Origin(name, folder, task, read_codec(inside), recipe, base, None)
    digest = files.read_json(folder / "bundle.json")["base"]
    tuning = catalog.make("tuning", recipe.tuning)
    base = bases.resolve(recipe.base, digest=digest)
    return Origin(name, folder, task, read_codec(folder), recipe, base, tuning)


def _without(recipe: Recipe) -> str:
    return f"has no weights of its own: the approach '{recipe.approach.name}' trains none"


def _nothing(name: str, why: str, expected: str) -> UsageError:
    return UsageError(
        "W101",
        f"{name} {why}",
        expected=expected,
        fixes=("tunesmith models ls", f"tunesmith models show {name}"),
        where=name,
    )
