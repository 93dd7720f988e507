"""Where the assistant's turns stand in a rendered conversation, whatever the template puts around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.inputs.sandbox import MARKS, Refused

Messages = list[dict[str, Any]]
Write = Callable[..., str]  # (messages, prompt=False, marked=False) → text; raises Refused
Span = tuple[int, int]  # characters [start, stop)

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARK = re.compile(f"{_OPEN}([0-9]{{1,6}}){_CLOSE}")


def spoken(write: Write, text: str, messages: Messages) -> dict[int, Span]:
    """Turn → characters of `text` that the assistant says in it.

    Generation tags decide where the template has them.  Else the conversation is written with marks in the place of
    the assistant's words: what stands around the marks stands around the words too.  A turn that no way finds is left
    out.
    """
    turns = [index for index, turn in enumerate(messages) if turn["role"] == "assistant"]
    if not turns:
        return {}
    if (tagged := _tagged(write, text, messages)) and len(tagged) <= len(turns):  # fewer: of the last turns
        return dict(zip(turns[-len(tagged) :], tagged, strict=True))
    if all(_plain(messages[turn]) for turn in turns) and (found := _all_marked(write, text, messages, turns)):
        return found
    ways = (
        (turn, _marked(write, text, messages, turn) or _prefix(write, text, messages, turn)) for turn in turns
    )
    return {turn: place for turn, place in ways if place}


def _plain(turn: Mapping[str, Any]) -> bool:
    return not turn.get("tool_calls") and bool(turn["content"].strip())


def _tagged(write: Write, text: str, messages: Messages) -> list[Span]:
    """What stands inside generation tags, in order; none where the template has no tags."""
    begin, end = MARKS
    written = write(messages, marked=True)
    if begin not in written or written.replace(begin, "").replace(end, "") != text:
        return []
    head, *pieces = written.split(begin)
    spans, position = [], len(head)
    for piece in pieces:
        inside, _, outside = piece.partition(end)
        spans.append((position, position + len(inside)))
        position += len(inside) + len(outside)
    return spans


def _all_marked(write: Write, text: str, messages: Messages, turns: Sequence[int]) -> dict[int, Span]:
    """All turns by one rendering; none where the words and what stands around them don't make up the text."""
    try:
        pieces = _MARK.split(write([_muted(turn, index) for index, turn in enumerate(messages)]))
    except Refused:
        return {}
    if [int(number) for number in pieces[1::2]] != list(turns):
        return {}
    around, places, position = pieces[0::2], {}, len(pieces[0])
    if not text.startswith(around[0]):
        return {}
    for turn, after in zip(turns, around[1:], strict=True):
        words = messages[turn]["content"]
        forms = (words, words.strip(), words.rstrip(), words.lstrip())
        said = next((each for each in forms if text.startswith(each + after, position)), None)
        if said is None:
            return {}
        places[turn] = (position, position + len(said))
        position += len(said) + len(after)
    return places if position == len(text) else {}


def _muted(turn: dict[str, Any], index: int) -> dict[str, Any]:
    if turn["role"] != "assistant":
        return turn
    kept = {key: value for key, value in turn.items() if key != "tool_calls"}
    return {**kept, "content": f"{_OPEN}{index}{_CLOSE}"}


def _marked(write: Write, text: str, messages: Messages, turn: int) -> Span | None:
    """One turn by its own mark: also tool calls and words that the template changes."""
    try:
        written = write([*messages[:turn], _muted(messages[turn], turn), *messages[turn + 1 :]])
    except Refused:
        return None
    before, mark, after = written.partition(f"{_OPEN}{turn}{_CLOSE}")
    fits = mark and text.startswith(before) and text.endswith(after)
    if not fits or len(before) + len(after) > len(text):
        return None
    return len(before), len(text) - len(after)


def _prefix(write: Write, text: str, messages: Messages, turn: int) -> Span | None:
    """One turn as what comes to the text when it is added to the turns before it."""
    try:
        before = write(messages[:turn], prompt=True)
        until = write(messages[: turn + 1])
    except Refused:
        return None
    if not (until.startswith(before) and text.startswith(until)):
        return None
    return len(before), len(until)
