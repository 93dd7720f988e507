"""Conversations as lists of messages with role and content (the shape of OpenAI's files and of TRL)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field
from tunesmith.parts import Form


class Messages(Form):
    """Keys: messages, tools.  A content of typed parts keeps its texts, one on a line."""

    content: ClassVar = "chat"
    keys: ClassVar = (
        Field("messages", "input", ("messages", "conversation", "dialog", "chat"), kind="messages"),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        messages = row.get("messages")
        if not isinstance(messages, list):
            raise ValueError('\'messages\' is no list; write [{"role": …, "content": …}, …]')
        fields: dict[str, Any] = {"messages": [_message(each) for each in messages]}
        return {**fields, "tools": row["tools"]} if row.get("tools") else fields

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: fields[name] for name in ("messages", "tools") if fields.get(name)}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "messages": [
                    {"role": "user", "content": "Do you repair brakes?"},
                    {"role": "assistant", "content": "Yes, on weekdays from nine to five."},
                ]
            }
        ]


def _message(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not isinstance(value.get("role"), str):
        raise ValueError('a message without a role; write {"role": "user", "content": "…"}')
    content = value.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return {**value, "content": "" if content is None else str(content)}
