"""A text and any number of labels: a list, 'a; b', or a column of 0 and 1 for each label."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import flag, text, unpacked
from tunesmith.fields import Field
from tunesmith.parts import Form

_BETWEEN = re.compile(r"[;|,\n]")


class TextMultilabel(Form):
    """Keys: text, labels (a list; a text with ';', '|' or ',' between; or {label: flag}, one for each column).

    An empty flag counts as false.  {"choices": […]}, as Label Studio's smaller exports write it, is its list.
    """

    content: ClassVar = "multilabel"
    guesses: ClassVar = True
    keys: ClassVar = (
        Field(
            "text",
            "input",
            ("text", "body", "message", "sentence", "content", "comment", "comment_text", "review", "prompt"),
        ),
        Field(
            "labels", "target", ("labels", "tags", "categories", "topics", "genres", "label"), kind="labels"
        ),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": text(row.get("text")), "labels": _labels(row.get("labels"))}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": fields["text"], "labels": list(fields["labels"])}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "The parcel came late and the box was torn", "labels": ["shipping", "damage"]},
            {"text": "I was charged twice", "labels": "billing; money"},
            {"text": "The app closes", "labels": {"bug": 1, "money": 0, "damage": None}},
            {"text": "The box was torn", "labels": {"choices": ["shipping", "damage"]}},
            {"text": "Have a nice day", "labels": ""},
        ]


def _labels(value: Any) -> list[str]:
    found = unpacked(value)
    if isinstance(found, Mapping) and isinstance(found.get("choices"), list):
        found = found["choices"]
    if isinstance(found, Mapping):
        return [str(name) for name, said in found.items() if flag(said)]
    if not isinstance(found, list):
        found = _BETWEEN.split(text(found))
    if any(isinstance(each, (list, dict)) for each in found):
        raise ValueError('labels that are no texts; write ["one", "two"]')
    return list(dict.fromkeys(label for each in found if (label := text(each).strip())))
