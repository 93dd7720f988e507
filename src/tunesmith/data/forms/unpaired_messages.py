"""A conversation and whether its last answer is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import flag
from tunesmith.fields import Field
from tunesmith.parts import Form


class UnpairedMessages(Form):
    """Keys: messages, label (true or false).  The assistant's messages at the end are the completion."""

    content: ClassVar = "unpaired"
    keys: ClassVar = (
        Field("messages", "input", ("messages", "conversation"), kind="messages"),
        Field("label", "target", ("label", "kto_tag", "desirable", "is_good"), kind="flag"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        wanted = flag(row.get("label"))
        if wanted is None:
            raise ValueError("a row without a label; write true or false")
        prompt, completion = _turns.answered(_turns.messages(row.get("messages"), "messages"))
        return {"prompt": prompt, "completion": completion, "label": wanted}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"messages": [*fields["prompt"], *fields["completion"]], "label": fields["label"]}

    def samples(self) -> list[dict[str, Any]]:
        asked = {"role": "user", "content": "Do you repair brakes?"}
        return [
            {"messages": [asked, {"role": "assistant", "content": "Yes, on weekdays."}], "label": True},
            {"messages": [asked, {"role": "assistant", "content": "Maybe."}], "label": 0},
        ]
