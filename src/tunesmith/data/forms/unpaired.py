"""A prompt, a completion, and whether it is wanted (the shape of KTO)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import flag
from tunesmith.fields import Field
from tunesmith.parts import Form


class Unpaired(Form):
    """Keys: prompt, completion (texts or lists of messages), label (true or false)."""

    content: ClassVar = "unpaired"
    keys: ClassVar = (
        Field("prompt", "input", ("prompt", "question", "query", "instruction", "input")),
        Field("completion", "target", ("completion", "response", "answer", "output")),
        Field("label", "target", ("label", "kto_tag", "desirable", "is_good"), kind="flag"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        wanted = flag(row.get("label"))
        if wanted is None:
            raise ValueError("a row without a label; write true or false")
        return {
            "prompt": _turns.spoken(row.get("prompt"), "user", "prompt"),
            "completion": _turns.spoken(row.get("completion"), "assistant", "completion"),
            "label": wanted,
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "prompt": _turns.shown(fields["prompt"], "user"),
            "completion": _turns.shown(fields["completion"], "assistant"),
            "label": fields["label"],
        }

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"prompt": "Do you repair brakes?", "completion": "Yes, on weekdays.", "label": True},
            {"prompt": "Do you repair brakes?", "completion": "Maybe.", "label": False},
        ]
