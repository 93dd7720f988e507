"""A conversation: messages with roles, and the tools that may be called in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Chat(Content):
    """Fields: messages ([{role, content, tool_calls?, name?, weight?}]), tools ([…], absent where there are none),
    answer_schema (JSON Schema that the last answer must fit; absent where the row says none).

    Roles: system, developer, user, assistant, tool.  content: a text.  weight 0: the turn is not learnt.
    """

    fields: ClassVar = (
        Field("messages", "input", kind="messages"),
        Field("tools", "input", required=False, kind="json"),
        Field("answer_schema", "input", required=False, kind="json"),
    )
    offers: ClassVar = frozenset({"turns"})

    def text(self, record: Record) -> str:
        return "\n".join(str(turn["content"]) for turn in self.turns(record) if turn["role"] == "user")

    def target(self, record: Record) -> str | None:
        said = [str(turn["content"]) for turn in self.turns(record) if turn["role"] == "assistant"]
        return said[-1] if said else None

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return list(record.fields.get("messages") or ())

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        turns = self.turns(record)
        return [(("messages", index, "content"), str(turn["content"])) for index, turn in enumerate(turns)]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "messages": [
                    {"role": "system", "content": "You answer for a bicycle shop."},
                    {"role": "user", "content": "Do you repair brakes?"},
                    {"role": "assistant", "content": "Yes, on weekdays from nine to five."},
                ]
            },
            {
                "messages": [
                    {"role": "user", "content": "Which tyre fits a 28 inch wheel?"},
                    {"role": "assistant", "content": "Any marked 622; the width depends on the frame."},
                ]
            },
        ]
