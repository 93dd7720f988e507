"""Calls of tools in what a model says: the two forms that chat templates teach."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

BEGIN, END = "<tool_call>", "</tool_call>"  # Hermes, Qwen; others (Llama 3) say the JSON object alone
_DECODER = json.JSONDecoder()


def found(text: str, names: Collection[str]) -> tuple[str, list[tuple[str, str]]]:
    """(what is said besides, [(name, arguments as JSON)]); the text as it is where it holds no sound call.

    A call is sound where it is a JSON object with the name of a declared tool and an object of arguments.
    """
    before, mark, rest = text.partition(BEGIN)
    bodies = [part.partition(END)[0] for part in rest.split(BEGIN)] if mark else [text]
    calls = [_call(body, names) for body in bodies]
    sound = [call for call in calls if call is not None]
    if len(sound) != len(calls):
        return text, []
    return before.strip() if mark else "", sound


def may_begin(text: str) -> int:
    """Where in a text something stands that may become a call; its length where nothing does."""
    if text.lstrip()[:1] in ("{", ""):
        return 0
    at = text.find(BEGIN)
    if at >= 0:
        return at
    held = next((size for size in range(len(BEGIN) - 1, 0, -1) if text.endswith(BEGIN[:size])), 0)
    return len(text) - held


def _call(body: str, names: Collection[str]) -> tuple[str, str] | None:
    try:
        value: Any = _DECODER.decode(body.strip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Mapping):
        return None
    name, given = value.get("name"), value.get("arguments", value.get("parameters", {}))
    if not isinstance(name, str) or name not in names:
        return None
    if isinstance(given, str):
        return name, given
    return None if not isinstance(given, Mapping) else (name, json.dumps(given, ensure_ascii=False))
