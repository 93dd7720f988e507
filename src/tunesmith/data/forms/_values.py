"""What the forms share: values of a file's columns as texts and as JSON."""

from __future__ import annotations

import json
from typing import Any


def text(value: Any) -> str:
    """A value as text: a missing one is '', the items of a list stand on lines of their own."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(text, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, bool)) else str(value)
