"""What a model that answers in words says, in the shapes of OpenAI: whole answers and the events of a stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tunesmith.parts import Piece
from tunesmith.serve import calls


@dataclass
class Told:
    """One answer as far as it is known.

    spell: what a piece's token says by itself.  names: tools whose calls are told as such; what may become a call is
    held back until the end.  sent: characters of the text that a stream has told.  sources: documents that the answer
    was given, known at its end.
    """

    spell: Callable[[Piece], str]
    names: Collection[str] = ()
    pieces: list[Piece] = field(default_factory=list)
    text: str = ""
    end: str = ""
    sent: int = 0
    sources: tuple[str, ...] = ()

    def add(self, piece: Piece) -> str:
        """Take a piece; what a stream can tell with it."""
        self.pieces.append(piece)
        self.text, self.end, self.sources = self.text + piece.text, piece.end, piece.sources
        until = len(self.text)
        if self.names:
            until = max(self.sent, calls.may_begin(self.text)) if not self.end else self.sent
        told, self.sent = self.text[self.sent : until], until
        return told

    @property
    def tokens(self) -> int:
        """How many were generated; one that ends the answer counts."""
        return sum(piece.token >= 0 for piece in self.pieces)

    def parsed(self) -> tuple[str, list[tuple[str, str]]]:
        """(text, calls)."""
        return calls.found(self.text, self.names) if self.names else (self.text, [])


@dataclass(frozen=True)
class Head:
    """What stands at the start of every object of one response."""

    id: str
    created: int
    model: str
    fingerprint: str

    def to_json(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model} | {
            "system_fingerprint": self.fingerprint
        }


def usage(prompt: int, completion: int) -> dict[str, int]:
    """Token counts: each prompt once, every answer to it."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


class ChatForm:
    """chat.completion and chat.completion.chunk."""

    prefix: ClassVar[str] = "chatcmpl-"
    whole: ClassVar[str] = "chat.completion"
    part: ClassVar[str] = "chat.completion.chunk"

    @staticmethod
    def choice(index: int, told: Told, tells: bool) -> dict[str, Any]:
        """One whole answer."""
        text, called = told.parsed()
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if called:
            message |= {"content": text or None, "tool_calls": _calls(index, called)}
        return {
            "index": index,
            "message": message,
            "logprobs": _content(told, told.pieces) if tells else None,
            "finish_reason": "tool_calls" if called else told.end,
            **_documents(told),
        }

    @staticmethod
    def opening(index: int) -> list[dict[str, Any]]:
        """The first event of an answer."""
        return [_delta(index, {"role": "assistant", "content": "", "refusal": None})]

    @staticmethod
    def events(index: int, told: Told, piece: Piece, text: str, tells: bool) -> list[dict[str, Any]]:
        """The events of a piece, of which `text` can be told."""
        logprobs = _content(told, [piece]) if tells else None
        found = [_delta(index, {"content": text}, logprobs)] if text or tells else []
        if not piece.end:
            return found
        said, called = told.parsed()
        if called:
            numbered = [{"index": at, **call} for at, call in enumerate(_calls(index, called))]
            rest = said[told.sent :]
            found += [_delta(index, {"content": rest} if rest else {} | {"tool_calls": numbered})]
        elif rest := told.text[told.sent :]:
            found.append(_delta(index, {"content": rest}))
        last = _delta(index, {}, None, "tool_calls" if called else piece.end)
        return [*found, {**last, **_documents(told)}]


class TextForm:
    """text_completion, whole and as a stream."""

    prefix: ClassVar[str] = "cmpl-"
    whole: ClassVar[str] = "text_completion"
    part: ClassVar[str] = "text_completion"

    @staticmethod
    def choice(index: int, told: Told, tells: bool) -> dict[str, Any]:
        """One whole answer."""
        logprobs = _lists(told, told.pieces, 0) if tells else None
        said = {"index": index, "text": told.text, "logprobs": logprobs, "finish_reason": told.end}
        return {**said, **_documents(told)}

    @staticmethod
    def opening(index: int) -> list[dict[str, Any]]:
        """Nothing is said before the first piece."""
        return []

    @staticmethod
    def events(index: int, told: Told, piece: Piece, text: str, tells: bool) -> list[dict[str, Any]]:
        """The event of a piece, where it has one."""
        if not (text or tells or piece.end):
            return []
        logprobs = _lists(told, [piece], told.sent - len(text)) if tells else None
        said = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": piece.end or None}
        return [{**said, **_documents(told)}]


Form = type[ChatForm] | type[TextForm]


def _documents(told: Told) -> dict[str, Any]:
    """What OpenAI's shapes have no word for stands beside them, and only where there is some."""
    return {"sources": list(told.sources)} if told.sources else {}


def _delta(index: int, delta: dict[str, Any], logprobs: Any = None, end: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": end}


def _calls(index: int, called: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{index}_{at}", "type": "function", "function": {"name": name, "arguments": given}}
        for at, (name, given) in enumerate(called)
    ]


def _content(told: Told, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Log-probabilities as chat tells them."""
    content = [
        _token(told.spell(piece), piece.logprob)
        | {"top_logprobs": [_token(text, logprob) for text, logprob in piece.rivals]}
        for piece in pieces
        if piece.token >= 0
    ]
    return {"content": content, "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    # bytes that are only a part of a letter can't be told from their replacement
    spelled = None if "\ufffd" in text else list(text.encode())
    return {"token": text, "logprob": logprob, "bytes": spelled}


def _lists(told: Told, pieces: Sequence[Piece], start: int) -> dict[str, Any]:
    """Log-probabilities as text completions tell them.  start: characters of the answer before these pieces."""
    known = [piece for piece in pieces if piece.token >= 0]
    offsets = []
    for piece in pieces:
        offsets += [start] * (piece.token >= 0)
        start += len(piece.text)
    return {
        "tokens": [told.spell(piece) for piece in known],
        "token_logprobs": [piece.logprob for piece in known],
        "top_logprobs": [dict(piece.rivals) for piece in known],
        "text_offset": offsets,
    }
