"""What may stand in a recipe: paths, types, defaults and meanings, read off the sections and the parts."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tunesmith import catalog
from tunesmith.recipe.sections import Part, Recipe

# kind of part = key of the recipe, and what it answers
KINDS = {
    "task": "the kind of problem",
    "approach": "how the model comes to be",
    "tuning": "which numbers may move",
    "objective": "what is minimised, on which batches",
    "regularizer": "what the weights are also asked",
}
FREE = {"data.fields", "general.abilities", "decided"}  # tables whose keys are not keys of the recipe
_MEANINGS = {"decided": "path = who chose its value: you, advice or probe; what is not listed is a default"}
_WORDS = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
_SHORT = {str: "text", int: "integer", float: "number", bool: "true/false"}
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}

Row = tuple[str, str, Any, str]  # path, type, default, meaning


def schema() -> list[Row]:
    """(path, type, default, meaning) of every key; a part's own keys have the path `kind[name].key`."""
    rows = _rows(Recipe, "")
    for kind in KINDS:
        for name, part in catalog.parts(kind).items():
            rows += _rows(part, f"{kind}[{name}].")
    return rows


def _rows(model: type[BaseModel], prefix: str) -> list[Row]:
    rows: list[Row] = []
    for key, info in model.model_fields.items():
        inner = _section(info)
        if inner is Part:
            rows.append((f"{prefix}{key}.name", "name", info.default.name, KINDS[key]))
        elif inner:
            rows += _rows(inner, f"{prefix}{key}.")
        else:
            meaning = info.description or _MEANINGS.get(key, "")
            rows.append((f"{prefix}{key}", _type(info.annotation, _SHORT), default(info), meaning))
    return rows


def default(info: FieldInfo) -> Any:
    """A field's default; '' for one that has none."""
    return "" if info.is_required() else info.get_default(call_default_factory=True)


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _field(model: type[BaseModel], path: str) -> FieldInfo | None:
    *parents, last = path.split(".")
    section: type[BaseModel] | None = model
    for parent in parents:
        info = section.model_fields.get(parent) if section else None
        section = _section(info) if info else None
    return section.model_fields.get(last) if section else None


def words(model: type[BaseModel], section: list[str]) -> list[str]:
    """The legal keys of a section inside a model."""
    info = _field(model, ".".join(section)) if section else None
    inner = _section(info) if info else model
    return list(inner.model_fields) if inner else []


def parts_with(kind: str, key: str) -> list[str]:
    """Names of the parts of a kind that have a field of this name."""
    return [name for name, part in catalog.parts(kind).items() if key in part.model_fields]


def wanted(path: str) -> str:
    """What a path of the recipe wants, in words."""
    return wanted_of(Recipe, path) or "a text, a number, true or false"


def wanted_of(model: type[BaseModel], path: str) -> str:
    """What a field wants, with its bounds and meaning: 'a number > 0: passes over the training rows'."""
    info = _field(model, path)
    if info is None:
        return ""
    inner = _section(info)
    kind = f"a section [{path}]" if inner else _type(info.annotation, _WORDS)
    bounds = " and ".join(
        f"{sign} {getattr(bound, name)}"
        for bound in info.metadata
        for name, sign in _SIGNS.items()
        if hasattr(bound, name)
    )
    meaning = f": {info.description}" if info.description else ""
    return f"{kind} {bounds}".strip() + meaning


def _type(annotation: Any, names: Mapping[type, str]) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(_type(kind, names) for kind in inner if kind is not type(None))
    if origin is Literal:
        return "one of: " + ", ".join(f'"{word}"' for word in inner)
    if origin in (list, tuple):
        return f"a list of {_SHORT.get(inner[0], 'values')}s" if inner else "a list"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a table"
    return names.get(annotation, "a value")


def json_schema() -> dict[str, Any]:
    """The recipe as JSON Schema, for editors: each part with its own keys."""
    whole = Recipe.model_json_schema()
    for kind in KINDS:
        options = [{"enum": catalog.names(kind)}]
        options += [_part_schema(name, part) for name, part in catalog.parts(kind).items()]
        whole["properties"][kind] = {"anyOf": options, "description": KINDS[kind]}
        whole["properties"][kind]["default"] = Recipe.model_fields[kind].default.name
    whole["$defs"].pop("Part", None)
    return whole


def _part_schema(name: str, part: type[BaseModel]) -> dict[str, Any]:
    found = part.model_json_schema()
    found["properties"] = {"name": {"const": name}, **found.get("properties", {})}
    found["required"] = ["name", *found.get("required", [])]
    return found
