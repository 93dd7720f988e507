"""Tags of words in the one dialect that the house speaks (IOB2), and their passage to and from spans of characters.

IOB2: 'B-kind' begins something, 'I-kind' goes on with it, 'O' is outside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_TAG = re.compile(r"([BIOLUSEM])[-_](.{1,200})", re.DOTALL)
# dialect letters → what they are in IOB2: L and E end, U and S stand alone, M goes on
_LETTERS = {"B": "B", "I": "I", "M": "I", "L": "I", "E": "I", "U": "B", "S": "B"}
_TOKEN = re.compile(r"\w+|[^\w\s]")


def iob2(tags: Sequence[str]) -> list[str]:
    """The tags of one sentence in IOB2: from IOB1 (no 'B-' at all), BILOU, BIOES or bare kinds.

    Tags that are in IOB2 already stay as they are, right or wrong: a check speaks of what is wrong.
    """
    found = [_TAG.fullmatch(tag) if tag != "O" else None for tag in tags]
    if any(match is None and tag not in ("O", "") for match, tag in zip(found, tags, strict=True)):
        return _begun([f"I-{tag}" if tag not in ("O", "") else "O" for tag in tags])
    letters = {match[1] for match in found if match}
    if letters <= {"I"}:
        return _begun([tag or "O" for tag in tags])
    return ["O" if match is None else f"{_LETTERS.get(match[1], 'I')}-{match[2]}" for match in found]


def _begun(tags: Sequence[str]) -> list[str]:
    """Tags that only say 'I-kind', with a 'B-' where a kind begins."""
    before, begun = "O", []
    for tag in tags:
        begun.append(tag if tag == "O" or tag == before else f"B{tag[1:]}")
        before = tag
    return begun


def to_spans(tokens: Sequence[str], tags: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """(the tokens joined with blanks, what is tagged as spans of its characters)."""
    text, spans = "", []
    for token, tag in zip(tokens, tags, strict=True):
        start = len(text) + 1 if text else 0
        text = f"{text} {token}" if text else token
        kind = tag[2:]
        if tag.startswith("I-") and spans and spans[-1]["open"] and spans[-1]["label"] == kind:
            spans[-1]["end"] = len(text)
        elif tag != "O":
            spans.append({"start": start, "end": len(text), "label": kind, "open": True})
        elif spans:
            spans[-1]["open"] = False
    return text, [{name: span[name] for name in ("start", "end", "label")} for span in spans]


def to_tags(text: str, spans: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """(words and signs of the text, their IOB2 tags).  A word is cut where a span begins or ends within it.

    Of spans that overlap, the one that begins first is tagged (the longer one, where both begin there).
    """
    kept: list[Mapping[str, Any]] = []
    for span in sorted(spans, key=lambda each: (each["start"], -each["end"])):
        if not kept or span["start"] >= kept[-1]["end"]:
            kept.append(span)
    tokens: list[str] = []
    tags: list[str] = []
    done = 0
    for span in [*kept, {"start": len(text), "end": len(text), "label": ""}]:
        _words(text[done : span["start"]], "", tokens, tags)
        _words(text[span["start"] : span["end"]], str(span["label"]), tokens, tags)
        done = span["end"]
    return tokens, tags


def _words(passage: str, kind: str, tokens: list[str], tags: list[str]) -> None:
    for number, token in enumerate(_TOKEN.findall(passage)):
        tokens.append(token)
        tags.append(f"{'I' if number else 'B'}-{kind}" if kind else "O")
