"""A question, a text, and the passages of the text that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Extract(Content):
    """Fields: question, text (str), spans ([{start, end, label}] in characters of text; end is one behind the last;
    each is a right answer; none: the text does not say).

    The text comes before the question in what a model is given, so that spans are offsets into both.
    """

    fields: ClassVar = (
        Field("question", "input"),
        Field("text", "input"),
        Field("spans", "target", kind="spans"),
    )
    offers: ClassVar = frozenset({"spans"})

    def text(self, record: Record) -> str:
        both = (str(record.fields.get(name) or "") for name in ("text", "question"))
        return "\n".join(both) if any(map(record.fields.get, ("text", "question"))) else ""

    def target(self, record: Record) -> str | None:
        spans = record.fields.get("spans")
        if spans is None:
            return None
        text = str(record.fields.get("text") or "")
        return "; ".join(text[span["start"] : span["end"]] for span in spans)

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [((name,), str(record.fields.get(name) or "")) for name in ("question", "text")]

    def samples(self) -> list[dict[str, Any]]:
        text = "The shop in Mill Lane opens at nine and closes at six."
        return [
            {
                "question": "When does the shop open?",
                "text": text,
                "spans": [{"start": 31, "end": 35, "label": "answer"}],
            },
            {
                "question": "Where is the shop?",
                "text": text,
                "spans": [
                    {"start": 9, "end": 21, "label": "answer"},
                    {"start": 12, "end": 21, "label": "answer"},
                ],
            },
            {"question": "Who owns it?", "text": text, "spans": []},
        ]
