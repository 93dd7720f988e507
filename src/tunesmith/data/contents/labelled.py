"""A text and one label out of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Labelled(Content):
    """Fields: text (str), label (str, '' where missing); votes (list of str) where several people judged the row."""

    fields: ClassVar = (
        Field("text", "input"),
        Field("label", "target", kind="category"),
        Field("votes", "annotator", (), False, "strings"),
    )
    offers: ClassVar = frozenset({"labels"})

    def text(self, record: Record) -> str:
        return str(record.fields.get("text") or "")

    def target(self, record: Record) -> str | None:
        value = record.fields.get("label")
        return None if value is None or value == "" else str(value)

    def labels(self, record: Record) -> tuple[str, ...]:
        label = self.target(record)
        return () if label is None else (label,)

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [(("text",), self.text(record))]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "I was charged twice for one order", "label": "billing"},
            {"text": "where is my parcel", "label": "shipping"},
            {"text": "the app closes when I log in", "label": "bug"},
        ]
