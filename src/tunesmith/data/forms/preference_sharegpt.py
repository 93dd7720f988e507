"""ShareGPT's turns with a chosen and a rejected answer (LLaMA-Factory's ranking shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _sharegpt, _turns
from tunesmith.data.forms._values import filled, unpacked
from tunesmith.fields import Field
from tunesmith.parts import Form


class PreferenceSharegpt(Form):
    """Keys: conversations ([{from, value}]), chosen, rejected ({from, value}), system, tools."""

    content: ClassVar = "preference"
    keys: ClassVar = (
        Field("conversations", "input", ("conversations", "conversation"), kind="messages"),
        Field("chosen", "target", ("chosen",), kind="json"),
        Field("rejected", "target", ("rejected",), kind="json"),
        Field("system", "input", ("system", "system_prompt"), required=False),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        turns = _sharegpt.turns(row.get("conversations"), "conversations")
        return {
            "prompt": [*_turns.opened(row.get("system"), None), *turns],
            **{name: _reply(row.get(name), name) for name in ("chosen", "rejected")},
            **filled(tools=_turns.tools(row.get("tools"))),
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        replies = {name: _sharegpt.rendered(fields[name]) for name in ("chosen", "rejected")}
        return {
            "conversations": _sharegpt.rendered(fields["prompt"]),
            **{name: reply[0] if len(reply) == 1 else reply for name, reply in replies.items()},
            **filled(tools=fields.get("tools")),
        }

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "conversations": [{"from": "human", "value": "Do you repair brakes?"}],
                "chosen": {"from": "gpt", "value": "Yes, on weekdays from nine to five."},
                "rejected": {"from": "gpt", "value": "Maybe."},
                "system": "You answer for a bicycle shop.",
            }
        ]


def _reply(value: Any, name: str) -> list[dict[str, Any]]:
    found = unpacked(value)
    return _sharegpt.turns(found if isinstance(found, list) else [found], name)
