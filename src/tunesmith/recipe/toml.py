"""TOML ⇄ Recipe: a wrong key or value is an error that names path, line and the nearest legal word."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from tunesmith import catalog
from tunesmith.errors import AccessError, MissingError, UsageError
from tunesmith.recipe.places import Places
from tunesmith.recipe.schema import FREE, KINDS, json_schema, schema
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.validate import Tables, validated, wrong

__all__ = ["dumps", "json_schema", "load", "loads", "schema", "you"]
DECIDERS = ("you", "advice", "probe")
_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a file, with `--set` overrides ("train.peak_lr=1e-4").

    Raises UsageError C101 to C106, MissingError C107 (no such file), AccessError A402 (not readable).
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise _no_file(path) from None
    except UnicodeDecodeError as damage:
        raise _not_toml(f"byte {damage.start} is not UTF-8", str(path)) from None
    except OSError as refusal:
        raise AccessError(
            "A402",
            f"{path.name} can't be read: {refusal.strerror}",
            expected="a recipe that you may read",
            fixes=(f"ls -l {path}",),
            where=str(path),
        ) from None
    return loads(text, str(path), overrides)


def loads(text: str, where: str = "recipe", overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a text.  `where` is the name that errors show.  Raises UsageError C101 to C106.

    What the text sets is recorded as decided by you, unless it has a table [decided] (then `dumps` wrote it,
    and that table says who); overrides are always decided by you.
    """
    tables, places = _parse(text, where), Places(text, where)
    decided = _decided(tables, places)
    chosen = set() if "decided" in tables else set(_leaves(tables))
    for override in overrides:
        key = _override(tables, override)
        places.override(key)
        chosen |= {path for path in _leaves(tables) if f"{path}.".startswith(f"{key}.")}
    tables["decided"] = decided | dict.fromkeys(sorted(chosen), "you")
    return validated(tables, places)


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML, every value written out; `loads(dumps(r)) == r`.  What is None is left out."""
    tables = _without_none(recipe.model_dump())
    for kind in KINDS:
        if set(tables[kind]) == {"name"}:
            tables[kind] = tables[kind]["name"]
    return tomli_w.dumps(tables)


def you(text: str) -> set[str]:
    """The paths that a text sets ("train.peak_lr"); a part written as one word counts as its `.name`."""
    return set(_leaves(_parse(text, "recipe")))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


# ---- reading ---------------------------------------------------------------------------------------------


def _parse(text: str, where: str) -> Tables:
    try:
        return _parts_as_tables(tomllib.loads(text))
    except tomllib.TOMLDecodeError as mistake:
        line = re.search(r"at line (\d+)", str(mistake))
        number = int(line[1]) if line else text.count("\n") + 1
        raise _not_toml(str(mistake), f"{where}:{number}") from None
    except RecursionError:
        raise _not_toml("it is nested too deeply", where) from None


def _parts_as_tables(tables: Tables) -> Tables:
    """`tuning = "lora"` becomes the table that it is short for."""
    for kind in KINDS:
        if isinstance(tables.get(kind), str):
            tables[kind] = {"name": tables[kind]}
    return tables


def _leaves(tables: Tables, prefix: str = "") -> list[str]:
    found = []
    for key, value in tables.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in FREE:
            found += _leaves(value, f"{path}.")
        elif not path.startswith("decided"):
            found.append(path)
    return found


def _decided(tables: Tables, places: Places) -> dict[str, str]:
    """[decided] as a flat table, whether its keys were quoted ("train.peak_lr") or dotted."""
    if not isinstance(tables.get("decided", {}), dict):
        raise wrong("decided", tables["decided"], "a table", places)
    flat: dict[str, str] = {}
    waiting = list(tables.get("decided", {}).items())
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}", item) for key, item in value.items()]
        elif value not in DECIDERS:
            raise wrong(f"decided.{path}", value, f"one of: {', '.join(DECIDERS)}", places)
        else:
            flat[path] = value
    return flat


def _override(tables: Tables, override: str) -> str:
    key, equals, value = override.partition("=")
    key = key.strip()
    if not equals or not _KEY.fullmatch(key):
        raise _bad_override(override, "it is not KEY=VALUE")
    *parents, last = key.split(".")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise _bad_override(override, f"'{parent}' is a value, not a section")
    table[last] = _value(value.strip(), override)
    _parts_as_tables(tables)
    return key


def _value(text: str, override: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
        if set(found) == {"value"}:
            return found["value"]
    except (tomllib.TOMLDecodeError, RecursionError) as mistake:
        if text[:1] in {"[", "{", '"', "'"}:
            raise _bad_override(override, f"its value is not TOML: {mistake}") from None
    return text


# ---- errors ----------------------------------------------------------------------------------------------


def _not_toml(why: str, where: str) -> UsageError:
    return UsageError(
        "C104", f"this is not TOML: {why}", expected='lines such as: key = "value"', where=where
    )


def _bad_override(override: str, why: str) -> UsageError:
    return UsageError(
        "C106",
        f"--set {override}: {why}",
        expected="--set KEY=VALUE with a dotted key and a TOML value",
        fixes=("--set train.peak_lr=1e-4", "--set data.source=tickets.csv"),
        where="--set",
    )


def _no_file(path: Path) -> MissingError:
    near = sorted(found.name for found in path.parent.glob("*.toml")) if path.parent.is_dir() else []
    close = catalog.nearest(path.name, near)
    return MissingError(
        "C107",
        f"there is no recipe {path}",
        expected="a TOML file" + (f"; here are: {', '.join(near[:8])}" if near else ""),
        fixes=(str(path.parent / close),) if close else ("tunesmith init",),
        where=str(path),
    )
