"""Label Studio's JSON export of several choices for each text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _studio
from tunesmith.data.forms._values import text
from tunesmith.fields import Field
from tunesmith.parts import Form


class LabelStudioMultilabel(Form):
    """Keys: data, annotations.  The ground truth counts, else the latest annotation that was not cancelled; one without
    a choice gives no labels.  An export in which every task has one choice is read as the form `label-studio`.
    """

    content: ClassVar = "multilabel"
    keys: ClassVar = (
        Field("data", "input", ("data",), kind="json"),
        Field("annotations", "target", ("annotations", "completions"), kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        results = _studio.counted(row.get("annotations"))
        chosen = _studio.values(results, "choices")
        if results and not chosen:
            raise ValueError("no choice in its results; leave --form out to have the form found")
        if len(asked := _questions(results)) > 1:
            raise ValueError(f"choices of {len(asked)} questions ({', '.join(asked)}); export one of them")
        labels = dict.fromkeys(text(label) for value in chosen for label in value["choices"])
        return {"text": _studio.about(row.get("data")), "labels": [label for label in labels if label]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        choice = {"type": "choices", "from_name": "label", "to_name": "text"}
        results = [{**choice, "value": {"choices": list(fields["labels"])}}] if fields["labels"] else []
        return _studio.task(fields["text"], results)

    def samples(self) -> list[dict[str, Any]]:
        choice = {"type": "choices", "value": {"choices": ["shipping", "damage"]}}
        return [
            {
                "id": 1,
                "data": {"text": "The parcel came late and the box was torn"},
                "annotations": [{"result": [choice], "was_cancelled": False, "completed_by": 3}],
            },
            {"id": 2, "data": {"text": "Have a nice day"}, "annotations": [{"result": []}]},
        ]


def _questions(results: list[Mapping[str, Any]]) -> list[str]:
    """What the choices were asked under: the names of their controls."""
    names = (each.get("from_name") for each in results if _studio.values([each], "choices"))
    return list(dict.fromkeys(text(name) for name in names if name))
