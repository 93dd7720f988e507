"""Several labels of one row as one text, 'damage; shipping', for people and sheets, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tunesmith.data.checks._rows import label_form

BETWEEN = ";"
NONE = "(none)"  # of the classes fits


def shown(labels: Iterable[str]) -> str:
    """The labels, sorted, each once."""
    return f"{BETWEEN} ".join(sorted(set(labels))) or NONE


def split(text: str) -> list[str]:
    """The inverse of `shown`, for labels without ';'."""
    return [] if text == NONE else [each.strip() for each in text.split(BETWEEN) if each.strip()]


def parsed(text: str, classes: Mapping[str, str]) -> str | None:
    """What somebody wrote, with the labels as the data spells them; None where one is none of the classes.

    classes: form of a label → label.
    """
    found = [classes.get(label_form(each)) for each in split(text.strip())]
    if not found and text.strip() != NONE:
        return None
    known = [label for label in found if label is not None]
    return shown(known) if len(known) == len(found) else None


def same(value: Any, text: str) -> bool:
    """Whether a field's value, a label or a list of them, is what the text says; spelling aside."""
    if isinstance(value, list):
        return set(map(label_form, map(str, value))) == set(map(label_form, split(text)))
    return label_form(str(value)) == label_form(text)


def like(value: Any, text: str) -> Any:
    """The text's labels in the shape of the value: a list where that is one."""
    return split(text) if isinstance(value, list) else text
