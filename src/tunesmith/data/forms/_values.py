"""What the forms share: values of a file's columns as texts, as lists and objects, as flags."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

_LONGEST = 1_000_000  # characters of a cell that is read as Python's own way to write a list
_FLAGS = {
    "true": True,
    "yes": True,
    "1": True,
    "1.0": True,
    "false": False,
    "no": False,
    "0": False,
    "0.0": False,
}


def text(value: Any) -> str:
    """A value as text: a missing one is '', the items of a list stand on lines of their own."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(text, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, bool)) else str(value)


def unpacked(value: Any) -> Any:
    """The list or object that a cell of a table holds as text (JSON, or as Python prints it); else the value itself."""
    if not isinstance(value, str):
        return value
    bare = value.strip()
    if not bare or (bare[0], bare[-1]) not in (("[", "]"), ("{", "}")):
        return value
    for read in (json.loads, _literal):
        try:
            return read(bare)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return value


def _literal(bare: str) -> Any:
    if len(bare) > _LONGEST:
        raise ValueError("too long")
    found = ast.literal_eval(bare)
    return list(found) if isinstance(found, (tuple, set)) else found


def flag(value: Any) -> bool | None:
    """A yes or no, None where nothing is said.  Raises ValueError for anything else."""
    if isinstance(value, bool):
        return value
    said = text(value).strip().lower()
    if said and said not in _FLAGS:
        raise ValueError("a flag that is neither true nor false; write true or false")
    return _FLAGS.get(said)


def listed(value: Any, name: str, example: str) -> list[Any]:
    """The list that stands under a key.  Raises ValueError where there is none."""
    found = unpacked(value)
    if not isinstance(found, list):
        raise ValueError(f"'{name}' is no list; write {example}")
    return found


def mapped(value: Any, name: str, example: str) -> Mapping[str, Any]:
    """The object that stands under a key.  Raises ValueError where there is none."""
    found = unpacked(value)
    if not isinstance(found, Mapping):
        raise ValueError(f"'{name}' is no object; write {example}")
    return found


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
