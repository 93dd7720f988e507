"""What an answer in JSON must look like: JSON Schemas of a file or of a row, and which answers fit them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.errors import DataError
from tunesmith.outcomes import Answers

FIELD = "answer_schema"  # of a record that brings its own


def of_file(path: Path) -> dict[str, Any]:
    """The schema of a file.  Raises DataError G842 where it holds none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as refusal:
        raise _wrong(str(getattr(refusal, "strerror", None) or refusal), str(path)) from None
    _validator(_sound(found, str(path)))
    return found


def kept(schemas: Sequence[tuple[Any, str]], answers: Answers) -> np.ndarray:
    """float64 [B, 2]: whether each answer fits its schema, and whether it has one.

    schemas: of each row with its place, None where the row has none.  Raises DataError G842 for a row's broken schema.
    """
    rows = zip(schemas, answers.answers, strict=True)
    found = [
        (0.0, 0.0) if schema is None else (float(fits(schema, said.text, place)), 1.0)
        for (schema, place), said in rows
    ]
    return np.array(found, np.float64).reshape(len(found), 2)


def fits(schema: Any, text: str, place: str = "") -> bool:
    """Whether a text is one JSON value that a schema allows.  Raises DataError G842 for what is no schema."""
    judge = _validator(_sound(schema, place))
    try:
        return bool(judge.is_valid(json.loads(text, parse_constant=_no_constant)))
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _sound(schema: Any, place: str) -> str:
    """A schema as canonical text.  Raises DataError G842 where it is none."""
    if not isinstance(schema, Mapping):
        raise _wrong(f"it is a {type(schema).__name__}, not an object", place)
    text = json.dumps(schema, sort_keys=True)
    if error := _error(text):
        raise _wrong(error, place)
    return text


@cache
def _error(schema: str) -> str:
    """What is wrong with a schema, '' where nothing is."""
    library, value = doors.open("jsonschema"), json.loads(schema)
    try:
        library.validators.validator_for(value, default=library.Draft202012Validator).check_schema(value)
    except library.SchemaError as wrong:
        return f"{'/'.join(map(str, wrong.absolute_path)) or 'the schema'}: {wrong.message[:200]}"
    return ""


@cache
def _validator(schema: str) -> Any:
    """What judges by a schema; what it refers to is never fetched from a network."""
    library, registry = doors.open("jsonschema"), doors.open("referencing").Registry()
    value = json.loads(schema)
    made = library.validators.validator_for(value, default=library.Draft202012Validator)
    return made(value, registry=registry)


def _wrong(found: str, place: str) -> DataError:
    return DataError(
        "G842",
        f"this is no JSON Schema: {found}",
        expected='an object such as {"type": "object", "required": ["name"]}',
        fixes=("tunesmith explain G842",),
        where=place,
    )
