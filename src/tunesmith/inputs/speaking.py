"""Answers of a network of language: what it is asked with, what it says, piece by piece or for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tunesmith import doors
from tunesmith.inputs import chat
from tunesmith.inputs.text import TOKENIZER
from tunesmith.outcomes import Answer
from tunesmith.parts import Codec, Net, Piece, Prompt, Wish

SEEDS = 2**63


def lines(turns: Sequence[Mapping[str, Any]]) -> str:
    """The words of turns, a line each."""
    return "\n".join(str(turn.get("content") or "") for turn in turns)


def asked(codec: Codec, prompt: Prompt, wish: Wish) -> list[int]:
    """The tokens to which an answer is written: a text as it is, messages in the frame that the model learnt."""
    template, window = chat.template(codec), codec.settings["window"]
    if not isinstance(prompt, str) and codec.settings["frame"] == "chat":
        return list(chat.asked(template, prompt, tools=wish.tools, window=window, room=wish.max_tokens))
    text = prompt if isinstance(prompt, str) else lines(prompt)
    return list(chat.asked_plainly(template, text, window=window, room=wish.max_tokens))
