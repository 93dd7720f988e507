"""Conversations as lists of messages with role and content (the shape of OpenAI's files and of TRL)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.fields import Field
from tunesmith.parts import Form


class Messages(Form):
    """Keys: messages, tools, answer_schema.  A content of typed parts keeps its texts, one on a line."""

    content: ClassVar = "chat"
    keys: ClassVar = (
        Field(
            "messages",
            "input",
            ("messages", "conversations", "conversation", "dialog", "chat"),
            kind="messages",
        ),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
        Field("answer_schema", "input", ("answer_schema", "response_schema"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        fields = {"messages": _turns.messages(row.get("messages"), "messages")}
        return {**fields, **_turns.extras(row)}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"messages": fields["messages"], **_turns.kept(fields)}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "messages": [
                    {"role": "user", "content": "Do you repair brakes?"},
                    {"role": "assistant", "content": "Yes, on weekdays from nine to five."},
                ]
            },
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "What does a tyre cost?"}]},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"type": "function", "function": {"name": "price", "arguments": '{"of": "tyre"}'}}
                        ],
                    },
                    {"role": "tool", "name": "price", "content": "25"},
                    {"role": "assistant", "content": "A tyre costs 25 euros.", "weight": 1},
                ],
                "tools": [{"name": "price", "parameters": {"of": {"type": "string"}}}],
            },
        ]
