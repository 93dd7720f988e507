"""What contents made of conversations share: what somebody said in it, and where each text stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.fields import Record, Way

Turn = Mapping[str, Any]


def of(record: Record, name: str) -> list[Turn]:
    """The messages that stand in a field, none where it is missing."""
    return list(record.fields.get(name) or ())


def said(turns: Sequence[Turn], role: str) -> list[str]:
    """What the turns of one role say, in order."""
    return [str(turn["content"]) for turn in turns if turn["role"] == role]


def last(turns: Sequence[Turn]) -> str | None:
    """The assistant's last words, None where it says nothing."""
    answers = said(turns, "assistant")
    return answers[-1] if answers else None


def passages(name: str, turns: Sequence[Turn]) -> list[tuple[Way, str]]:
    """Each turn's text with its way from the record's field."""
    return [((name, index, "content"), str(turn["content"])) for index, turn in enumerate(turns)]
