"""A text and any number of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Multilabel(Content):
    """Fields: text (str), labels (list of str; empty: none of the classes fits)."""

    fields: ClassVar = (Field("text", "input"), Field("labels", "target", kind="strings"))
    offers: ClassVar = frozenset({"labels"})

    def text(self, record: Record) -> str:
        return str(record.fields.get("text") or "")

    def target(self, record: Record) -> str | None:
        labels = record.fields.get("labels")
        return None if labels is None else "; ".join(map(str, labels))

    def labels(self, record: Record) -> tuple[str, ...]:
        return tuple(map(str, record.fields.get("labels") or ()))

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [(("text",), self.text(record))]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "The parcel came late and the box was torn", "labels": ["shipping", "damage"]},
            {"text": "I was charged twice for one order", "labels": ["billing"]},
            {"text": "Have a nice day", "labels": []},
        ]
