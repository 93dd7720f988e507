"""A table with a text and a label: CSV, JSONL, Parquet, spreadsheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import text, unpacked
from tunesmith.fields import Field
from tunesmith.parts import Form


class TextLabel(Form):
    """Keys: text, label, votes; other values than texts are written as text.

    votes: what several people said of the row, one label each: a list, or {person: label}, one for each column.  A list
    as the label itself is votes too.  Where there are votes and no label, the label that more than half of them name
    counts; where none is, the label is missing, and people have to decide.
    """

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
        Field("votes", "annotator", ("votes", "annotations"), False, "labels"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        label = unpacked(row.get("label"))
        votes = _votes(row.get("votes")) or (_votes(label) if isinstance(label, list) else [])
        said = "" if isinstance(label, list) else text(row.get("label"))
        fields = {"text": text(row.get("text")), "label": said or _majority(votes)}
        return {**fields, "votes": votes} if votes else fields

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: fields[name] for name in ("text", "label", "votes") if name in fields}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "I was charged twice for one order", "label": "billing"},
            {"text": "where is my parcel", "label": "shipping"},
            {"text": "the box was torn", "label": ["shipping", "damage", "damage"]},
            {"text": "it never came", "label": "shipping", "votes": {"ann": "shipping", "bo": "damage"}},
        ]


def _votes(value: Any) -> list[str]:
    """Each person's label, '' where somebody gave none: places stand for people."""
    found = unpacked(value)
    if isinstance(found, Mapping):
        found = list(found.values())
    if not isinstance(found, list):
        found = [] if found is None or found == "" else [found]
    if any(isinstance(each, (list, dict)) for each in found):
        raise ValueError('votes that are no texts; write ["one", "two"]')
    votes = [text(each).strip() for each in found]
    return votes if any(votes) else []


def _majority(votes: list[str]) -> str:
    """The label that more than half of those who said something name, else ''."""
    counts = Counter(filter(None, votes))
    label, count = counts.most_common(1)[0] if counts else ("", 0)
    return label if 2 * count > counts.total() else ""
