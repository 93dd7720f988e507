"""A text on its own, to learn language from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Document(Content):
    """Fields: text (str)."""

    fields: ClassVar = (Field("text", "input"),)

    def text(self, record: Record) -> str:
        return str(record.fields.get("text") or "")

    def target(self, record: Record) -> str | None:
        return None

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [(("text",), self.text(record))]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "A spoke is tightened a quarter turn at a time.\nThen the wheel is spun and looked at."},
            {"text": "The chain wants oil after every ride in the rain."},
        ]
