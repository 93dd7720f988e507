"""A text with marked passages: entities, slots, answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Spans(Content):
    """Fields: text (str), spans ([{start, end, label}], in characters of text; end is one behind the last)."""

    fields: ClassVar = (Field("text", "input"), Field("spans", "target", kind="spans"))
    offers: ClassVar = frozenset({"spans"})

    def text(self, record: Record) -> str:
        return str(record.fields.get("text") or "")

    def target(self, record: Record) -> str | None:
        spans = record.fields.get("spans")
        if spans is None:
            return None
        text = self.text(record)
        return "; ".join(f"{span['label']}: {text[span['start'] : span['end']]}" for span in spans)

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [(("text",), self.text(record))]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "text": "A table for five at seven, please",
                "spans": [
                    {"start": 12, "end": 16, "label": "people"},
                    {"start": 20, "end": 25, "label": "time"},
                ],
            },
            {"text": "Thank you", "spans": []},
        ]
