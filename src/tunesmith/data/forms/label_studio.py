"""Label Studio's JSON export of a choice for each text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _studio
from tunesmith.data.forms._values import text
from tunesmith.fields import Field
from tunesmith.parts import Form


class LabelStudio(Form):
    """Keys: data, annotations.  The ground truth counts, else the latest annotation that was not cancelled."""

    content: ClassVar = "labelled"
    keys: ClassVar = (
        Field("data", "input", ("data",), kind="json"),
        Field("annotations", "target", ("annotations", "completions"), kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        chosen = _studio.values(_studio.counted(row.get("annotations")), "choices")
        labels = [text(label) for value in chosen for label in value["choices"]]
        if len(labels) != 1:
            raise ValueError(f"{len(labels)} choices; a row of this form has one")
        return {"text": _studio.about(row.get("data")), "label": labels[0]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        choice = {"type": "choices", "from_name": "label", "to_name": "text"}
        return _studio.task(fields["text"], [{**choice, "value": {"choices": [fields["label"]]}}])

    def samples(self) -> list[dict[str, Any]]:
        choice = {"type": "choices", "value": {"choices": ["billing"]}}
        return [
            {
                "id": 1,
                "data": {"text": "I was charged twice"},
                "annotations": [
                    {"result": [], "was_cancelled": True},
                    {"result": [choice], "was_cancelled": False, "completed_by": 3},
                ],
                "predictions": [],
            }
        ]
