"""Whether TOML tables make a recipe: unknown keys, wrong values, missing keys, each with its place."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from pydantic import ValidationError

from tunesmith import catalog
from tunesmith.errors import UsageError
from tunesmith.fields import CONTEXT
from tunesmith.recipe import schema
from tunesmith.recipe.places import Places
from tunesmith.recipe.sections import Recipe

Tables = dict[str, Any]
_BOUND = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(\.\d+)?([eE][+-]?\d+)?)\s*")


def validated(tables: Tables, places: Places) -> Recipe:
    """The recipe of nested tables (a part is a table too).  Raises UsageError C101, C102, C103, C105."""
    tables.setdefault("data", {})
    _only_plain(tables, "", places)
    for kind in schema.KINDS:
        if isinstance(section := tables.get(kind), dict):
            tables[kind] = _part(kind, section, places)
    try:
        recipe = Recipe.model_validate_json(json.dumps(tables), strict=True)
    except ValidationError as mistakes:
        _refuse(mistakes, Recipe, "", places)
    _check_fields(recipe, places)
    _check_gate(recipe, places)
    return recipe


def _part(kind: str, section: Tables, places: Places) -> Tables:
    """{"name", "options"} of a part, checked against its own fields; no name means the default part."""
    name = section.get("name", Recipe.model_fields[kind].default.name)
    options = {key: value for key, value in section.items() if key != "name"}
    if not isinstance(name, str):
        raise wrong(f"{kind}.name", name, f"one of: {', '.join(catalog.names(kind))}", places)
    try:
        model = catalog.part(kind, name)
    except UsageError as unknown:
        unknown.where = places.of(f"{kind}.name")
        raise
    try:
        model.model_validate_json(json.dumps(options), strict=True)
    except ValidationError as mistakes:
        _refuse(mistakes, model, kind, places)
    return {"name": name, "options": options}


def _only_plain(value: Any, path: str, places: Places) -> None:
    """Dates and non-finite numbers have no place in a recipe, and JSON could not carry them to the checks."""
    if isinstance(value, dict):
        for key, item in value.items():
            _only_plain(item, f"{path}.{key}" if path else key, places)
    elif isinstance(value, list):
        for item in value:
            _only_plain(item, path, places)
    elif not isinstance(value, (str, int, float)) or (isinstance(value, float) and not math.isfinite(value)):
        raise wrong(path, value, schema.wanted(path), places)


def _refuse(mistakes: ValidationError, model: type[Any], kind: str, places: Places) -> NoReturn:
    """Raise the mistake that explains most: an unknown key before a missing one before a wrong value."""
    order = {"extra_forbidden": 0, "missing": 1}
    first = min(mistakes.errors(), key=lambda mistake: order.get(mistake["type"], 2))
    local = ".".join(str(step) for step in first["loc"] if isinstance(step, str))
    path = f"{kind}.{local}" if kind else local
    if first["type"] == "extra_forbidden":
        own = schema.words(model, local.split(".")[:-1])
        raise _unknown(path, ["name", *own] if kind else own, places, kind)
    if first["type"] == "missing":
        raise _missing(path, model, local, places)
    message = schema.wanted_of(model, local) or first["msg"]
    raise wrong(path, first["input"], message, places)


def _check_fields(recipe: Recipe, places: Places) -> None:
    """The keys of the form (of any, where none is named), and what a row may say of its context."""
    forms = [catalog.part("form", recipe.data.form)] if recipe.data.form else catalog.parts("form").values()
    keys = [key for form in forms for key in form.keys]
    legal = list(dict.fromkeys(field.name for field in (*keys, *CONTEXT)))
    for name in recipe.data.fields:
        if name not in legal:
            raise _unknown(f"data.fields.{name}", legal, places)


def _check_gate(recipe: Recipe, places: Places) -> None:
    metrics = [name.replace("-", "_") for name in catalog.names("metric")]
    for name, bound in (recipe.gate.model_extra or {}).items():
        if name not in metrics:
            raise _unknown(f"gate.{name}", [*metrics, "not_worse_than"], places)
        if not isinstance(bound, str) or not _BOUND.fullmatch(bound):
            raise wrong(f"gate.{name}", bound, 'a bound such as ">= 0.85" or "<= 0.1"', places)


def _unknown(path: str, legal: list[str], places: Places, kind: str = "") -> UsageError:
    section, _, key = path.rpartition(".")
    close = catalog.nearest(key, legal)
    fixes = tuple(f'[{kind}] name = "{name}"' for name in schema.parts_with(kind, key)) if kind else ()
    if close and not fixes:
        fixes = (f'write "{close}" in the place of "{key}"',)
    return UsageError(
        "C101",
        f"unknown key '{path}'",
        expected=f"one of: {', '.join(legal)}" + (f" (in [{section}])" if section else ""),
        fixes=fixes,
        where=places.of(path),
    )


def wrong(path: str, found: Any, expected: str, places: Places) -> UsageError:
    """C102: the value at a path is not what belongs there."""
    shown = repr(found) if len(repr(found)) < 80 else f"{repr(found)[:77]}…"
    place = places.of(path)
    return UsageError(
        "C102",
        f"{path} is {shown}",
        expected=expected,
        fixes=(f"--set {path}=VALUE",)
        if place.startswith("--set")
        else (f"edit {place}", f"--set {path}=VALUE"),
        where=place,
    )


def _missing(path: str, model: type[Any], local: str, places: Places) -> UsageError:
    section, _, key = path.rpartition(".")
    return UsageError(
        "C105",
        f"the key '{path}' is missing",
        expected=schema.wanted_of(model, local) or "a value",
        fixes=(
            f"--set {path}=VALUE",
            f"add a line to [{section}]: {key} = …" if section else f"add [{key}]",
        ),
        where=places.of(path),
    )
