"""Words, each with a tag: named entities and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Tags(Content):
    """Fields: tokens, tags (lists of str, equally long): 'O', 'B-kind' where something begins, 'I-kind' inside it."""

    fields: ClassVar = (Field("tokens", "input", kind="strings"), Field("tags", "target", kind="strings"))
    offers: ClassVar = frozenset({"tags"})

    def text(self, record: Record) -> str:
        return " ".join(map(str, record.fields.get("tokens") or ()))

    def target(self, record: Record) -> str | None:
        tags = record.fields.get("tags")
        return None if tags is None else " ".join(map(str, tags))

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [
            (("tokens", index), str(token)) for index, token in enumerate(record.fields.get("tokens") or ())
        ]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "tokens": ["Ada", "Lovelace", "lived", "in", "London", "."],
                "tags": ["B-person", "I-person", "O", "O", "B-place", "O"],
            },
            {"tokens": ["Nobody", "came", "."], "tags": ["O", "O", "O"]},
        ]
