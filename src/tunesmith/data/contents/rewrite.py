"""A text and what becomes of it: a summary, a translation, a better wording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Rewrite(Content):
    """Fields: source, target (str), references (further right targets; absent where there are none)."""

    fields: ClassVar = (
        Field("source", "input"),
        Field("target", "target"),
        Field("references", "target", required=False, kind="strings"),
    )

    def text(self, record: Record) -> str:
        return str(record.fields.get("source") or "")

    def target(self, record: Record) -> str | None:
        value = record.fields.get("target")
        return None if value is None or value == "" else str(value)

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        others = enumerate(record.fields.get("references") or ())
        return [
            (("source",), self.text(record)),
            (("target",), str(record.fields.get("target") or "")),
            *((("references", index), str(text)) for index, text in others),
        ]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "source": "The wheel, which was bent, has been made straight and it is ready.",
                "target": "The wheel is straight and ready.",
            },
            {
                "source": "We open at nine.",
                "target": "Wir öffnen um neun.",
                "references": ["Wir machen um neun Uhr auf."],
            },
        ]
