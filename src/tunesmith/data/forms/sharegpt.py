"""Conversations as turns with from and value (ShareGPT's shape), tool calls among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _sharegpt, _turns
from tunesmith.data.forms._values import filled
from tunesmith.fields import Field
from tunesmith.parts import Form


class Sharegpt(Form):
    """Keys: conversations ([{from, value}], or pairs {human, assistant}), system, tools."""

    content: ClassVar = "chat"
    keys: ClassVar = (
        Field("conversations", "input", ("conversations", "conversation", "items"), kind="messages"),
        Field("system", "input", ("system", "system_prompt"), required=False),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        turns = _sharegpt.turns(row.get("conversations"), "conversations")
        return {
            "messages": [*_turns.opened(row.get("system"), None), *turns],
            **filled(tools=_turns.tools(row.get("tools"))),
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        turns = _sharegpt.rendered(fields["messages"])
        return {"conversations": turns, **filled(tools=fields.get("tools"))}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "conversations": [
                    {"from": "human", "value": "What does a tyre cost?"},
                    {"from": "function_call", "value": '{"name": "price", "arguments": {"of": "tyre"}}'},
                    {"from": "observation", "value": "25"},
                    {"from": "gpt", "value": "A tyre costs 25 euros."},
                ],
                "system": "You answer for a bicycle shop.",
                "tools": '[{"name": "price", "parameters": {"of": {"type": "string"}}}]',
            },
            {"conversations": [{"human": "Do you repair brakes?", "assistant": "Yes, on weekdays."}]},
        ]
