"""A table with a text and a label: CSV, JSONL, Parquet, spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import text
from tunesmith.fields import Field
from tunesmith.parts import Form


class TextLabel(Form):
    """Keys: text, label; other values than texts are written as text."""

    content: ClassVar = "labelled"
    guesses: ClassVar = True
    keys: ClassVar = (
        Field(
            "text",
            "input",
            (
                *(
                    "text",
                    "body",
                    "message",
                    "sentence",
                    "content",
                    "description",
                    "comment",
                    "review",
                    "question",
                ),
                *(
                    "utterance",
                    "instruction",
                    "query",
                    "prompt",
                    "input",
                    "document",
                    "title",
                    "subject",
                    "tweet",
                ),
            ),
        ),
        Field(
            "label",
            "target",
            (
                *(
                    "label",
                    "labels",
                    "target",
                    "class",
                    "category",
                    "intent",
                    "sentiment",
                    "queue",
                    "topic",
                    "tag",
                ),
                *("answer", "y", "type", "department", "final_decision", "output"),
            ),
            kind="category",
        ),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": text(row.get("text")), "label": text(row.get("label"))}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": fields["text"], "label": fields["label"]}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "I was charged twice for one order", "label": "billing"},
            {"text": "where is my parcel", "label": "shipping"},
        ]
