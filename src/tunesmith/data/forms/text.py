"""Documents: one text a row, to learn language from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _values
from tunesmith.fields import Field
from tunesmith.parts import Form


class Text(Form):
    """Keys: text."""

    content: ClassVar = "document"
    guesses: ClassVar = True
    keys: ClassVar = (
        Field(
            "text",
            "input",
            ("text", "content", "document", "body", "article", "passage", "story", "markdown"),
        ),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": _values.text(row.get("text"))}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": fields["text"]}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "A spoke is tightened a quarter turn at a time."},
            {"text": "Oil the chain after rain."},
        ]
