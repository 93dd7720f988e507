"""A text with marked passages (the shape of Prodigy, spaCy and doccano)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tunesmith.data.forms._values import listed, text
from tunesmith.fields import Field
from tunesmith.parts import Form

_EXAMPLE = '[{"start": 0, "end": 5, "label": "name"}]'
_NAMES = {
    "start": ("start", "start_offset", "start_char", "begin"),
    "end": ("end", "end_offset", "end_char", "stop"),
    "label": ("label", "slot", "type", "entity", "entity_type", "tag", "labels", "entity_group"),
    "value": ("value", "text", "word"),
}


class Spans(Form):
    """Keys: text, spans ([{start, end, label}] or [[start, end, label]], in characters; end is one behind the last).

    Where a span says its own value, it must be what stands there.
    """

    content: ClassVar = "spans"
    keys: ClassVar = (
        Field("text", "input", ("text", "sentence", "content", "body", "data")),
        Field(
            "spans", "target", ("spans", "entities", "label", "labels", "annotations", "slots"), kind="spans"
        ),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        whole = text(row.get("text"))
        value = row.get("spans")
        marked = [] if value in (None, "") else listed(value, "spans", _EXAMPLE)
        return {"text": whole, "spans": [_span(each, whole) for each in marked]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": fields["text"], "spans": [dict(span) for span in fields["spans"]]}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text": "A table for five", "spans": [{"start": 12, "end": 16, "label": "people"}]},
            {
                "text": "A table for five",
                "spans": [{"slot": "people", "start": 12, "end": 16, "value": "five"}],
            },
            {"text": "Ada lived in London", "spans": [[0, 3, "person"], [13, 19, "place"]]},
        ]


def _span(value: Any, whole: str) -> dict[str, Any]:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3:
        value = dict(zip(("start", "end", "label"), value, strict=True))
    if not isinstance(value, Mapping):
        raise ValueError(f"a span that is no object; write {_EXAMPLE}")
    said = {name: next((value[k] for k in keys if k in value), None) for name, keys in _NAMES.items()}
    start, end = _number(said["start"]), _number(said["end"])
    label = said["label"]
    if isinstance(label, list):
        label = label[0] if len(label) == 1 else None
    if label in (None, ""):
        raise ValueError(f"a span without one label; write {_EXAMPLE}")
    if isinstance(said["value"], str) and said["value"].strip() != whole[start:end].strip():
        raise ValueError(f"the span {start}-{end} does not hold its own value; count characters, not bytes")
    return {"start": start, "end": end, "label": text(label)}


def _number(value: Any) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 and value == int(value):
        return int(value)
    raise ValueError(f"a span without start and end; write {_EXAMPLE}")
