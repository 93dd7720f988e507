"""Two texts and how they stand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Pair(Content):
    """Fields: text_a, text_b (str), label (str, '' where missing; a score is its number as text)."""

    fields: ClassVar = (
        Field("text_a", "input"),
        Field("text_b", "input"),
        Field("label", "target", kind="category"),
    )
    offers: ClassVar = frozenset({"labels"})

    def text(self, record: Record) -> str:
        both = (str(record.fields.get(name) or "") for name in ("text_a", "text_b"))
        return "\n".join(both).strip("\n")

    def target(self, record: Record) -> str | None:
        value = record.fields.get("label")
        return None if value is None or value == "" else str(value)

    def labels(self, record: Record) -> tuple[str, ...]:
        label = self.target(record)
        return () if label is None else (label,)

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [((name,), str(record.fields.get(name) or "")) for name in ("text_a", "text_b")]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text_a": "The shop opens at nine.", "text_b": "It is closed at eight.", "label": "entailment"},
            {"text_a": "The shop opens at nine.", "text_b": "It never opens.", "label": "contradiction"},
            {"text_a": "The shop opens at nine.", "text_b": "It sells bicycles.", "label": "neutral"},
        ]
