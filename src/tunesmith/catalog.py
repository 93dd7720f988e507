"""The folder is the registry: the name in a recipe is the name of a file, which holds one public final class.

A kind of part lives in one folder.  Third parties add files in the folder that `TUNESMITH_PLUGINS` names (laid out as
`KIND/name.py`) or by an entry point `tunesmith.KIND`.  Listing reads line one of each file and imports nothing.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import os
import re
import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from tunesmith.errors import MissingError, UsageError

# kind → the package whose files are its parts
HOMES = {
    "task": "tunesmith.tasks",
    "approach": "tunesmith.approaches",
    "tuning": "tunesmith.train.tuning",
    "objective": "tunesmith.train.objectives",
    "regularizer": "tunesmith.train.regularizers",
    "metric": "tunesmith.evaluate.metrics",
    "content": "tunesmith.data.contents",
    "form": "tunesmith.data.forms",
    "check": "tunesmith.data.checks",
    "augmentation": "tunesmith.data.augmentations",
    "reader": "tunesmith.data.readers",
    "rule": "tunesmith.recipe.rules",
    "export": "tunesmith.serve.exports",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def names(kind: str) -> list[str]:
    """Names of all parts of a kind, in kebab-case, sorted; nothing is imported."""
    return sorted(found.replace("_", "-") for found in _places(kind))


def summary(kind: str, name: str) -> str:
    """Line one of the part's file: its one-sentence docstring."""
    place = _places(kind)[_snake(name)]
    if isinstance(place, Path):
        return (ast.get_docstring(ast.parse(place.read_text("utf-8"))) or "").partition("\n")[0]
    return f"from {place.value}"


def part(kind: str, name: str) -> type[Any]:
    """The class of a part.  Raises UsageError C103 with the nearest legal name."""
    return _load(kind, _snake(name), os.environ.get("TUNESMITH_PLUGINS", ""))


def parts(kind: str) -> dict[str, type[Any]]:
    """All parts of a kind: {kebab-case name: class}."""
    return {name: part(kind, name) for name in names(kind)}


def make(kind: str, section: Any) -> Any:
    """An instance from a recipe section: an object with `name` and `options` (the class's own fields)."""
    return part(kind, section.name)(**section.options)


def nearest(word: str, legal: list[str]) -> str:
    """The legal word closest to a misspelt one, or ''."""
    return next(iter(difflib.get_close_matches(word, legal, n=1, cutoff=0.5)), "")


def _snake(name: str) -> str:
    return name.replace("-", "_")


@cache
def _points(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Asked once: each call reads the metadata of every installed package, and a training asks 150 times."""
    return entry_points(group=group)


def _places(kind: str) -> dict[str, Any]:
    package = HOMES[kind].removeprefix("tunesmith.").split(".")
    folders = [Path(__file__).parent.joinpath(*package)]
    if plugins := os.environ.get("TUNESMITH_PLUGINS"):
        folders.append(Path(plugins) / kind)
    found: dict[str, Any] = {point.name: point for point in _points(f"tunesmith.{kind}", tuple(sys.path))}
    for folder in reversed(folders):
        found |= {path.stem: path for path in folder.glob("*.py") if _NAME.fullmatch(path.stem)}
    return found


@cache
def _load(kind: str, name: str, _plugins: str) -> type[Any]:
    places = _places(kind)
    if name not in places:
        legal, wrong = names(kind), name.replace("_", "-")
        close = nearest(wrong, legal)
        raise UsageError(
            "C103",
            f"there is no {kind} named '{wrong}'",
            expected=f"one of: {', '.join(legal)}",
            fixes=(f'name = "{close}"',) if close else (),
            where=kind,
            meant=(wrong, close) if close else None,
        )
    place = places[name]
    module = _import(kind, name, place) if isinstance(place, Path) else place.load()
    return module if isinstance(module, type) else _only_class(module, place)


def _import(kind: str, name: str, path: Path) -> ModuleType:
    if path.is_relative_to(Path(__file__).parent):
        return importlib.import_module(f"{HOMES[kind]}.{name}")
    full = f"tunesmith_plugins.{kind}.{name}"
    spec = importlib.util.spec_from_file_location(full, path)
    if spec is None or spec.loader is None:
        raise MissingError("E502", f"{path} can't be imported", expected="a Python file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    return module


def _only_class(module: ModuleType, place: Any) -> type[Any]:
    own = [
        value
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not key.startswith("_")
    ]
    if len(own) != 1:
        raise MissingError(
            "E502",
            f"{place} holds {len(own)} public classes",
            expected="one public class: the part",
            where=str(place),
        )
    return own[0]
