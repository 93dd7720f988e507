"""Turns of a conversation as chat templates expect them, and what a template made of their words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def weight(turn: Mapping[str, Any]) -> float:
    """What the tokens of a turn count where they are learnt: its weight, 1 without one, never below 0."""
    given = turn.get("weight")
    return max(0.0, float(given)) if isinstance(given, int | float) else 1.0


def changed(messages: Sequence[Mapping[str, Any]], text: str) -> str:
    """What became of words that do not stand in the text as they were said; those of tools may be quoted."""
    said = [str(turn.get("content") or "") for turn in messages if turn["role"] != "tool"]
    lost = [each for each in said if each not in text]
    if not lost:
        return ""
    return "trimmed" if all(each.strip() in text for each in lost) else "changed"


def plain(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn as templates expect it: a text as content, tool arguments as objects."""
    kept = {key: value for key, value in turn.items() if key not in ("weight", "tool_calls")}
    kept["content"] = str(turn.get("content") or "")
    if calls := turn.get("tool_calls"):
        kept["tool_calls"] = [_parsed(call) for call in calls] if isinstance(calls, list) else calls
    return kept


def _parsed(call: Any) -> Any:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"])
    except (ValueError, RecursionError):
        return call
    return {**call, "function": {**function, "arguments": arguments}}


def declared(tools: Any) -> Any:
    """The tools that a row declares, also where they are written as JSON; None where that can't be read."""
    if not isinstance(tools, str):
        return tools
    try:
        return json.loads(tools)
    except (ValueError, RecursionError):
        return None
