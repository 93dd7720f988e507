"""Label Studio's JSON export of passages that were marked in texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _studio
from tunesmith.data.forms._values import text
from tunesmith.fields import Field
from tunesmith.parts import Form


class LabelStudioSpans(Form):
    """Keys: data, annotations.  The ground truth counts, else the latest annotation that was not cancelled.

    Offsets may count characters, or UTF-16 units as browsers do: the passage's own text tells.
    """

    content: ClassVar = "spans"
    keys: ClassVar = (
        Field("data", "input", ("data",), kind="json"),
        Field("annotations", "target", ("annotations", "completions"), kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        results = _studio.counted(row.get("annotations"))
        marked = _studio.values(results, "labels")
        if results and not marked:
            raise ValueError("no marked passage in its results; leave --form out to have the form found")
        whole = _studio.about(row.get("data"))
        return {"text": whole, "spans": [_span(value, whole) for value in marked]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        mark = {"type": "labels", "from_name": "label", "to_name": "text"}
        marked = [
            {
                **mark,
                "value": {
                    "start": span["start"],
                    "end": span["end"],
                    "text": fields["text"][span["start"] : span["end"]],
                    "labels": [span["label"]],
                },
            }
            for span in fields["spans"]
        ]
        return _studio.task(fields["text"], marked)

    def samples(self) -> list[dict[str, Any]]:
        mark = {"type": "labels", "value": {"start": 13, "end": 19, "text": "London", "labels": ["place"]}}
        return [
            {
                "data": {"text": "Ada lived in London"},
                "annotations": [{"result": [mark], "ground_truth": True}],
            }
        ]


def _span(value: Mapping[str, Any], whole: str) -> dict[str, Any]:
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        raise ValueError("a passage without start and end; export texts, not HTML")
    said = value.get("text")
    if isinstance(said, str) and whole[start:end] != said:
        start, end = (_characters(whole, offset) for offset in (start, end))
        if whole[start:end] != said:
            raise ValueError(f"the passage {start}-{end} does not hold its own text; export the task again")
    return {"start": start, "end": end, "label": text(value["labels"][0])}


def _characters(whole: str, offset: int) -> int:
    """An offset as browsers count (a sign beyond the Basic Multilingual Plane is two) in characters."""
    return len(whole.encode("utf-16-le", "surrogatepass")[: 2 * max(0, offset)].decode("utf-16-le", "ignore"))
