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

BUNDLE = "bundle.json"


def found(ref: str, home: Path | str | None) -> tuple[Path, str]:
    """(folder, name) of a bundle by 'name', 'name@3', 'name@production', or by its folder."""
    folder = Path(ref)
    if (folder / files.MANIFEST).is_file():
        return folder, files.read_json(folder / BUNDLE)["name"]
    version: ModelVersion = Registry(home_folder(home)).find(ref)
    return version.folder, version.ref


def recipe_of(folder: Path) -> Recipe:
    """The recipe by which the model of a bundle was made."""
    return toml.loads((folder / "recipe.toml").read_text("utf-8"), where=str(folder / "recipe.toml"))


def trained(recipe: Recipe) -> bool:
    """Whether a model that a recipe made has weights of its own."""
    return catalog.part("approach", recipe.approach.name).trains


def read(folder: Path, name: str) -> Origin:
    """The model of a bundle that has weights of its own (`trained`); its files are checked first.

    Raises what `Model.load` raises of a damaged bundle or a base that can't be had.
    """
    files.verify(folder)
    recipe, inside = recipe_of(folder), folder / "model"
    task = catalog.make("task", recipe.task)
    if (inside / bases.WEIGHTS).is_file():  # it was trained from nothing, and is a base itself
        base = bases.resolve(str(inside.resolve()))
        return Origin(name, folder, task, read_codec(inside), recipe, base, None)
    digest = files.read_json(folder / BUNDLE)["base"]
    tuning = catalog.make("tuning", recipe.tuning)
    base = bases.resolve(recipe.base, digest=digest)
    return Origin(name, folder, task, read_codec(folder), recipe, base, tuning)


def origin(folder: Path, name: str) -> Origin:
    """The model of a bundle, which is to leave as one that writes texts.

    Raises UsageError W101 for one that has no weights of its own or does not answer in words, and what `read` raises.
    """
    files.verify(folder)
    recipe = recipe_of(folder)
    if not issubclass(catalog.part("task", recipe.task.name), LanguageTask):
        raise _nothing(name, f"is a model for {recipe.task.name}", "a model that writes texts")
    if not trained(recipe):
        raise _nothing(name, _without(recipe), "a model whose weights were trained (tune, scratch)")
    return read(folder, name)


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
