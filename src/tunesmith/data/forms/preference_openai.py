"""OpenAI's shape of preferences: input.messages, preferred_output, non_preferred_output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import filled, mapped
from tunesmith.fields import Field
from tunesmith.parts import Form

_EXAMPLE = '{"messages": [{"role": "user", "content": "…"}]}'


class PreferenceOpenai(Form):
    """Keys: input ({messages, tools}), preferred_output, non_preferred_output (lists of messages)."""

    content: ClassVar = "preference"
    keys: ClassVar = (
        Field("input", "input", ("input",), kind="json"),
        Field("preferred_output", "target", ("preferred_output",), kind="messages"),
        Field("non_preferred_output", "target", ("non_preferred_output",), kind="messages"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        asked = mapped(row.get("input"), "input", _EXAMPLE)
        return {
            "prompt": _turns.messages(asked.get("messages"), "input.messages"),
            "chosen": _turns.messages(row.get("preferred_output"), "preferred_output"),
            "rejected": _turns.messages(row.get("non_preferred_output"), "non_preferred_output"),
            **filled(tools=_turns.tools(asked.get("tools"))),
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "input": {"messages": fields["prompt"], **filled(tools=fields.get("tools"))},
            "preferred_output": fields["chosen"],
            "non_preferred_output": fields["rejected"],
        }

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "input": {"messages": [{"role": "user", "content": "Do you repair brakes?"}], "tools": []},
                "preferred_output": [{"role": "assistant", "content": "Yes, on weekdays."}],
                "non_preferred_output": [{"role": "assistant", "content": "Maybe."}],
            }
        ]
