"""ShareGPT's way of writing turns: who it is from, and its value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.forms._turns import Turn, turn
from tunesmith.data.forms._values import listed, text, unpacked

_EXAMPLE = '[{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]'
_ROLES: dict[str, str] = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "assistant", "model", "bing", "bard"), "assistant"),
    **dict.fromkeys(("observation", "tool", "function_response", "function-response"), "tool"),
    "system": "system",
    "developer": "developer",
}
_CALLS = ("function_call", "function-call", "tool_call")
_NAMES = {"user": "human", "assistant": "gpt", "tool": "observation"}


def turns(value: Any, name: str) -> list[Turn]:
    """The messages of a conversation.  Raises ValueError where it is none."""
    return [turn for each in listed(value, name, _EXAMPLE) for turn in messages(each)]


def messages(value: Any) -> list[Turn]:
    """The message of one turn; two of a pair {human, assistant}.  Raises ValueError where it is neither."""
    value = unpacked(value)
    if isinstance(value, Mapping) and {"human", "assistant"} <= set(value):
        return [turn("user", value["human"]), turn("assistant", value["assistant"])]
    if not isinstance(value, Mapping) or not isinstance(value.get("from"), str) or "value" not in value:
        raise ValueError('a turn without "from" and "value"; write {"from": "human", "value": "…"}')
    rest = {key: item for key, item in value.items() if key not in ("from", "value") and item is not None}
    said = str(value["from"]).lower()
    if said in _CALLS:
        return [{**rest, **_called(value["value"])}]
    return [{**rest, **turn(_ROLES.get(said, said), value["value"])}]


def _called(value: Any) -> Turn:
    """A call of tools as the assistant's message; what is no call stays its text."""
    found = unpacked(value)
    calls = found if isinstance(found, list) else [found]
    if not calls or not all(isinstance(each, Mapping) and "name" in each for each in calls):
        return turn("assistant", value)
    return {"role": "assistant", "content": "", "tool_calls": [_call(each) for each in calls]}


def _call(value: Mapping[str, Any]) -> dict[str, Any]:
    arguments = value.get("arguments", "{}")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"type": "function", "function": {"name": text(value["name"]), "arguments": written}}


def rendered(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The inverse of `turns`; a message that calls tools and speaks gives two turns."""
    return [turn for each in messages for turn in _shown(each)]


def _shown(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    rest = {key: item for key, item in message.items() if key not in ("role", "content", "tool_calls")}
    calls = message.get("tool_calls") or []
    said = {"from": _NAMES.get(message["role"], message["role"]), "value": message["content"], **rest}
    if not calls:
        return [said]
    values = [{name: each["function"].get(name) for name in ("name", "arguments")} for each in calls]
    call = json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False)
    return [*([said] if message["content"] else []), {"from": "function_call", "value": call, **rest}]
