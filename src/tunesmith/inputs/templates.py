"""A base's chat template and tokenizer: conversations as the model sees them, and which tokens of them are learnt."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from tunesmith.inputs import sandbox
from tunesmith.inputs.sandbox import Refused
from tunesmith.inputs.spoken import Messages, Span, spoken

ROLES = ("system", "developer", "user", "assistant", "tool")
_KEPT = (
    4096  # figures that are remembered: more than a batch of the checks has, so that a row is written once
)
_PROBE, _RESULT = "qzprobe", "qzresult"  # words that no template writes by itself
_CALL = {"id": "call00001", "type": "function", "function": {"name": _PROBE, "arguments": {"at": "it"}}}
_TOOL = {"type": "function", "function": {"name": _PROBE, "description": "Looks.", "parameters": {}}}
_ASKED = {"role": "user", "content": "?"}
_CALLING = {"role": "assistant", "content": "", "tool_calls": [_CALL]}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as the model sees it.

    spans: characters [start, stop) that are learnt: what the assistant says, with the token that ends it.  ends: for
    each span the token that ends it, '' where none does.  ids, offsets: tokens and their characters in `text`; empty
    where no tokenizer is at hand.  refusal: why the template does not write it ('' where it does; then text is '').
    """

    text: str
    spans: tuple[Span, ...] = ()
    ends: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    offsets: tuple[Span, ...] = ()
    refusal: str = ""

    def ends_of_learnt(self) -> tuple[int, int] | None:
        """Positions of the first and the last token that is learnt; None without one."""
        spans = [span for span in self.spans if span[0] < span[1]]
        if not spans or not self.offsets:
            return None
        first = bisect_right(self.offsets, spans[0][0], key=itemgetter(1))
        last = bisect_left(self.offsets, spans[-1][1], key=itemgetter(0)) - 1
        return (first, last) if first <= last else None

    def learnt(self) -> list[int]:
        """Positions of the tokens that are learnt, in order."""
        found, spans, at = [], self.spans, 0
        for position, (start, stop) in enumerate(self.offsets):
            while at < len(spans) and spans[at][1] <= start:
                at += 1
            if at < len(spans) and (stop > spans[at][0] and start < spans[at][1]):
                found.append(position)
        return found


@dataclass(frozen=True, slots=True)
class Glance:
    """The figures of a rendered conversation.  learnt: the first and the last token that is learnt, None without one.

    unknown: tokens that the vocabulary lacks.  ends, refusal: as in `Rendered`.
    """

    characters: int
    tokens: int
    unknown: int
    learnt: tuple[int, int] | None
    ends: tuple[str, ...]
    refusal: str


Encode = Callable[[str], tuple[tuple[int, ...], tuple[Span, ...]]]


@dataclass(frozen=True)
class Template:
    """A chat template with its tokenizer.

    program: Jinja, '' for a base that reads plain texts only.  with_tools: the program for conversations that have
    tools, '' for the same.  words: the special tokens that templates name (bos_token, eos_token, …).  specials: texts
    that become one special token.  stops: tokens at which generation ends.  window: tokens that the model can see, 0
    where nobody says.  encode: a text's token ids and their characters [start, stop), without tokens of its own; None
    where no tokenizer is at hand.  unknown: the id for what the vocabulary lacks, None without one.
    """

    program: str
    with_tools: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    specials: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    window: int = 0
    encode: Encode | None = field(default=None, repr=False, compare=False)
    unknown: int | None = None
    name: str = ""
    _seen: OrderedDict[str, Glance] = field(default_factory=OrderedDict, repr=False, compare=False)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles whose words the template writes."""
        return frozenset(role for role in ROLES if any(self._shows(each, _RESULT) for each in _probes(role)))

    @cached_property
    def writes_calls(self) -> bool:
        """Whether what the assistant calls stands in the text."""
        return self._shows(([_ASKED, _CALLING], [_TOOL])) or self._shows(([_ASKED, _CALLING], None))

    @cached_property
    def writes_tools(self) -> bool:
        """Whether the tools that a row declares stand in the text."""
        return self._shows(([_ASKED, {"role": "assistant", "content": "!"}], [_TOOL]))

    @cached_property
    def closers(self) -> tuple[str, ...]:
        """Tokens that end a turn: those at which generation ends, and what is written after the last turn."""
        try:
            text = self.write([{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}])
        except Refused:
            text = ""
        after = text.partition(_PROBE)[2].lstrip()
        closing = max((each for each in self.specials if after.startswith(each)), key=len, default="")
        return tuple(sorted(self.stops | ({closing} if closing else set()), key=len, reverse=True))

    def write(
        self, messages: Messages, *, tools: Any = None, prompt: bool = False, marked: bool = False
    ) -> str:
        """The text of a conversation as the template writes it.  Raises Refused."""
        program = self.with_tools if tools and self.with_tools else self.program
        return sandbox.write(
            program, messages, tools=tools or None, prompt=prompt, words=self.words, marked=marked
        )

    def length(self, text: str) -> int:
        """Tokens of a plain text; 0 where no tokenizer is at hand."""
        return len(self.encode(text)[0]) if self.encode else 0

    def glance(self, key: str, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> Glance:
        """The figures of a conversation.  key: its identity; what was asked for lately is not rendered again."""
        if key in self._seen:
            return self._seen[key]
        made = self.see(messages, tools)
        unknown = 0 if self.unknown is None else made.ids.count(self.unknown)
        found = Glance(len(made.text), len(made.ids), unknown, made.ends_of_learnt(), made.ends, made.refusal)
        self._seen[key] = found
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return found

    def see(self, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> Rendered:
        """A conversation as the model sees it; never raises for what a row holds.  A turn with weight 0 is not
        learnt."""
        turns, declared = [_plain(turn) for turn in messages], _declared(tools)

        def write(some: Messages, prompt: bool = False, marked: bool = False) -> str:
            return self.write(some, tools=declared, prompt=prompt, marked=marked)

        try:
            text = write(turns)
            places, marked = spoken(write, text, turns)
        except Refused as refusal:
            return Rendered("", refusal=str(refusal))
        learnt = [place for turn, place in sorted(places.items()) if messages[turn].get("weight") != 0]
        closed = [self._closed(text, place, beyond=not marked) for place in learnt]
        ids, offsets = self.encode(text) if self.encode else ((), ())
        return Rendered(text, tuple(c[0] for c in closed), tuple(c[1] for c in closed), ids, offsets)

    def _closed(self, text: str, place: Span, *, beyond: bool) -> tuple[Span, str]:
        """The span with the token that ends it, and that token; beyond: the token may stand behind the span."""
        start, stop = place
        inside = text[start:stop].rstrip()
        if end := next((each for each in self.closers if inside.endswith(each)), ""):
            return (start, start + len(inside)), end
        after = stop
        while beyond and after < len(text) and text[after] in " \n":
            after += 1
        end = next((each for each in self.closers if beyond and text.startswith(each, after)), "")
        return ((start, after + len(end)) if end else (start, stop)), end

    def _shows(self, probe: tuple[Messages, Any], word: str = _PROBE) -> bool:
        try:
            return word in self.write(probe[0], tools=probe[1])
        except Refused:
            return False


def _plain(turn: Mapping[str, Any]) -> dict[str, Any]:
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


def _declared(tools: Any) -> Any:
    if not isinstance(tools, str):
        return tools
    try:
        return json.loads(tools)
    except (ValueError, RecursionError):
        return None


def _probes(role: str) -> list[tuple[Messages, Any]]:
    """Conversations in which a role speaks, with their tools."""
    answer, speaks = {"role": "assistant", "content": "!"}, {"role": role, "content": _RESULT}
    if role == "tool":
        result = {**speaks, "name": _PROBE, "tool_call_id": _CALL["id"]}
        return [([_ASKED, _CALLING, result, answer], tools) for tools in ([_TOOL], None)]
    if role == "assistant":
        return [([_ASKED, speaks], None)]
    return [([speaks], None)] if role == "user" else [([speaks, _ASKED, answer], None)]
