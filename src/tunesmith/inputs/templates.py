"""A base's chat template and tokenizer: conversations as the model sees them, and which tokens of them are learnt."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from tunesmith.inputs import guarded, sandbox, turns
from tunesmith.inputs.guarded import Encode as Encode
from tunesmith.inputs.rendered import Glance as Glance
from tunesmith.inputs.rendered import Rendered as Rendered
from tunesmith.inputs.sandbox import Refused
from tunesmith.inputs.spoken import Messages, Span, spoken
from tunesmith.inputs.windows import Truncation

T = TypeVar("T")
ROLES = ("system", "developer", "user", "assistant", "tool")
# for a base without a template: what is said, a line each, and after an answer the token that ends it
PLAIN = (
    "{{ bos_token }}{% for m in messages %}{{ m.content }}"
    "{% if m.role == 'assistant' and eos_token %}{{ eos_token }}"
    "{% elif not loop.last or add_generation_prompt %}{{ '\\n' }}{% endif %}{% endfor %}"
)
# figures that are remembered: more than a batch of the checks has, so that a row is written once
_KEPT = 4096
_PROBE, _RESULT, _WITH = "qzprobe", "qzresult", "qzwith"  # words that no template writes by itself
_CALL = {"id": "call00001", "type": "function", "function": {"name": _PROBE, "arguments": {"at": _WITH}}}
_TOOL = {"type": "function", "function": {"name": _PROBE, "description": "Looks.", "parameters": {}}}
_ASKED = {"role": "user", "content": "?"}
_CALLING = {"role": "assistant", "content": "", "tool_calls": [_CALL]}


@dataclass(frozen=True)
class Template:
    """A chat template with its tokenizer.

    program: Jinja, '' for a base without a template of its own: its conversations are written by PLAIN.  with_tools:
    the program for conversations that have tools, '' for the same.  words: the special tokens that templates name
    (bos_token, eos_token, …).  specials: texts that become one special token.  stops: tokens at which generation ends.
    window: tokens that the model can see, 0 where nobody says.  encode: a text's token ids and their characters
    [start, stop), without tokens of its own; None where no tokenizer is at hand.  letters: the same, with special
    tokens read as plain text.  unknown: the id for what the vocabulary lacks, None without one.  begins: the token that
    the tokenizer itself puts before every text, '' without one.  truncation: what happens to a longer conversation
    (`windows.fitted`).
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
    letters: Encode | None = field(default=None, repr=False, compare=False)
    begins: str = ""
    truncation: Truncation = "left"
    _seen: OrderedDict[str, Glance] = field(default_factory=OrderedDict, repr=False, compare=False)
    _known: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, judge: Callable[[Template], T]) -> T:
        """What a function says of this template, asked at the first call only."""
        if judge not in self._known:
            self._known[judge] = judge(self)
        return self._known[judge]

    @cached_property
    def special(self) -> re.Pattern[str] | None:
        """What finds special tokens in a text."""
        return guarded.pattern(self.specials)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles whose words the template writes."""
        return frozenset(role for role in ROLES if any(self._shows(each, _RESULT) for each in _probes(role)))

    @cached_property
    def writes_calls(self) -> bool:
        """Whether what the assistant calls stands in the text."""
        return any(self._shows(([_ASKED, _CALLING], tools), _WITH) for tools in ([_TOOL], None))

    @cached_property
    def writes_tools(self) -> bool:
        """Whether the tools that a row declares stand in the text."""
        return self._shows(([_ASKED, {"role": "assistant", "content": "!"}], [_TOOL]))

    @cached_property
    def closers(self) -> tuple[str, ...]:
        """Tokens that end a turn: those at which generation ends, and what is written after the last turn."""
        try:
            text = self.write([_ASKED, {"role": "assistant", "content": _PROBE}])
        except Refused:
            text = ""
        after = text.partition(_PROBE)[2].lstrip()
        closing = max((each for each in self.specials if after.startswith(each)), key=len, default="")
        return tuple(sorted(self.stops | ({closing} if closing else set()), key=len, reverse=True))

    def write(
        self,
        messages: Messages,
        *,
        tools: Any = None,
        prompt: bool = False,
        marked: bool = False,
        now: datetime | None = None,
    ) -> str:
        """The text of a conversation as the template writes it.  now: the time that it is told.  Raises Refused."""
        program = (self.with_tools if tools else "") or self.program or PLAIN
        return sandbox.write(
            program, messages, tools=tools or None, prompt=prompt, words=self.words, marked=marked, now=now
        )

    def length(self, text: str) -> int:
        """Tokens of a plain text; 0 where no tokenizer is at hand."""
        return len(self.encode(text)[0]) if self.encode else 0

    def glance(self, key: str, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> Glance:
        """The figures of a conversation.  key: its identity; what was asked for lately is not rendered again."""
        if key in self._seen:
            return self._seen[key]
        made = self.see(messages, tools)
        found = Glance(
            len(made.text),
            len(made.ids),
            0 if self.unknown is None else made.ids.count(self.unknown),
            made.ends_of_learnt(),
            made.ends,
            made.refusal,
            len(made.learnt()),
            "" if made.refusal else turns.changed(messages, made.text),
        )
        self._seen[key] = found
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return found

    def see(self, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> Rendered:
        """A conversation as the model sees it; never raises for what a row holds.  A turn with weight 0 is not
        learnt."""
        said, declared = self._ready(messages), turns.declared(tools)

        def write(some: Messages, prompt: bool = False, marked: bool = False) -> str:
            return self.write(some, tools=declared, prompt=prompt, marked=marked)

        try:
            text = write(said)
            places = spoken(write, text, said)
        except Refused as refusal:
            return Rendered("", refusal=str(refusal))
        weights = {turn: turns.weight(messages[turn]) for turn in sorted(places)}
        learnt = {turn: weight for turn, weight in weights.items() if weight}
        closed = [self._closed(text, places[turn], said[turn]["content"]) for turn in learnt]
        spans = tuple(guarded.shifted(text, span) for span, _ in closed)
        return self._tokens(text, spans, tuple(end for _, end in closed), tuple(learnt.values()))

    def asked(self, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> Rendered:
        """A conversation up to where the assistant is to speak; nothing of it is learnt.  Raises Refused."""
        return self._tokens(self.write(self._ready(messages), tools=turns.declared(tools), prompt=True))

    def _ready(self, messages: Sequence[Mapping[str, Any]]) -> Messages:
        return guarded.guarded([turns.plain(turn) for turn in messages], self.special)

    def _tokens(
        self,
        text: str,
        spans: tuple[Span, ...] = (),
        ends: tuple[str, ...] = (),
        weights: tuple[float, ...] = (),
    ) -> Rendered:
        """A guarded text with its tokens."""
        ids, offsets = (), ()
        if self.encode:
            ids, offsets = guarded.encoded(text, self.special, self.encode, self.letters or self.encode)
        return Rendered(text.replace(guarded.GUARD, ""), spans, ends, weights, ids, offsets)

    def _closed(self, text: str, place: Span, said: str) -> tuple[Span, str]:
        """The span with the token that ends it, inside or right behind, and that token ('' where none does).  said:
        the turn's words; a token that they end with is one of them and no end."""
        start, stop = place
        inside, own = text[start:stop].rstrip(), said.rstrip()
        end = next((each for each in self.closers if inside.endswith(each) and not own.endswith(each)), "")
        if end:
            return (start, start + len(inside)), end
        after = stop
        while after < len(text) and text[after] in " \n":
            after += 1
        end = next((each for each in self.closers if text.startswith(each, after)), "")
        return ((start, after + len(end)) if end else (start, stop)), end

    def _shows(self, probe: tuple[Messages, Any], word: str = _PROBE) -> bool:
        try:
            return word in self.write(probe[0], tools=probe[1])
        except Refused:
            return False


def _probes(role: str) -> list[tuple[Messages, Any]]:
    """Conversations in which a role speaks, with their tools."""
    answer, speaks = {"role": "assistant", "content": "!"}, {"role": role, "content": _RESULT}
    if role == "tool":
        result = {**speaks, "name": _PROBE, "tool_call_id": _CALL["id"]}
        return [([_ASKED, _CALLING, result, answer], tools) for tools in ([_TOOL], None)]
    if role == "assistant":
        return [([_ASKED, speaks], None)]
    return [([speaks], None)] if role == "user" else [([speaks, _ASKED, answer], None)]
