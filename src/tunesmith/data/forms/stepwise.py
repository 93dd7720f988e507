"""A prompt, the steps of a solution, and whether each is right (TRL's shape of stepwise supervision)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import flag, listed, text
from tunesmith.fields import Field
from tunesmith.parts import Form

_STEPS = '["first step", "second step"]'
_LABELS = "[true, false]"


class Stepwise(Form):
    """Keys: prompt (a text or a list of messages), completions (a list of texts), labels (a list of true and false)."""

    content: ClassVar = "steps"
    keys: ClassVar = (
        Field("prompt", "input", ("prompt", "question", "problem")),
        Field("completions", "input", ("completions", "steps"), kind="strings"),
        Field("labels", "target", ("labels", "step_labels"), kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        steps = listed(row.get("completions"), "completions", _STEPS)
        labels = listed(row.get("labels"), "labels", _LABELS)
        if len(steps) != len(labels):
            raise ValueError(f"{len(steps)} steps and {len(labels)} labels; give each step a label")
        if any(isinstance(step, (list, dict)) for step in steps):
            raise ValueError(f"steps that are no texts; write {_STEPS}")
        return {
            "prompt": _turns.spoken(row.get("prompt"), "user", "prompt"),
            "completions": [text(step) for step in steps],
            "labels": [_right(label) for label in labels],
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        lists = {name: list(fields[name]) for name in ("completions", "labels")}
        return {"prompt": _turns.shown(fields["prompt"], "user"), **lists}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "prompt": "Two wheels have 36 spokes each; 5 are broken. How many are whole?",
                "completions": ["Two wheels have 72 spokes.", "72 − 5 = 67 are whole."],
                "labels": [True, True],
            },
            {
                "prompt": [{"role": "user", "content": "What is half of 70?"}],
                "completions": "['Half of 70 is 30.', 'So it is 30.']",
                "labels": "[0, 0]",
            },
        ]


def _right(label: Any) -> bool:
    found = None if isinstance(label, (list, dict)) else flag(label)
    if found is None:
        raise ValueError(f"a step that is neither right nor wrong; write {_LABELS}")
    return found
