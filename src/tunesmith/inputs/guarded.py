"""Special tokens inside what somebody said: read as the letters that they are, not as the tokens they imitate.

A user who types `<|im_end|>` would else end his own turn and begin another one.  Each such text is preceded by a mark
before the template writes it; where the mark stands, the tokenizer is told to see letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.inputs.spoken import Span

Encode = Callable[[str], tuple[tuple[int, ...], tuple[Span, ...]]]
GUARD = "\ufdd4"  # no character of any script


def pattern(specials: frozenset[str]) -> re.Pattern[str] | None:
    """What finds special tokens in a text; None where there are none."""
    words = sorted(filter(None, specials), key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, words))) if words else None


def guarded(turns: Sequence[dict[str, Any]], special: re.Pattern[str] | None) -> list[dict[str, Any]]:
    """The turns with a mark before each special token that anybody but the assistant says.

    What the assistant says is as its data has it: a model may be taught to write a token of its own.
    """
    if special is None:
        return list(turns)
    return [
        turn if turn["role"] == "assistant" else {**turn, "content": _marked(turn, special)} for turn in turns
    ]


def _marked(turn: Mapping[str, Any], special: re.Pattern[str]) -> str:
    return special.sub(lambda found: GUARD + found[0], turn["content"])


def encoded(
    text: str, special: re.Pattern[str] | None, encode: Encode, letters: Encode
) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    """Token ids of a guarded text, and their characters in the text without marks."""
    if GUARD not in text or special is None:
        return encode(text)
    ids: list[int] = []
    offsets: list[Span] = []
    begun = 0
    for number, piece in enumerate(re.split(f"{GUARD}({special.pattern})", text)):
        clean = piece.replace(GUARD, "")
        found, places = (letters if number % 2 else encode)(clean)
        ids += found
        offsets += [(begun + start, begun + stop) for start, stop in places]
        begun += len(clean)
    return tuple(ids), tuple(offsets)


def shifted(text: str, span: Span) -> Span:
    """Characters of a guarded text as characters of the text without marks."""
    start, stop = span
    return start - text.count(GUARD, 0, start), stop - text.count(GUARD, 0, stop)
