"""What a request wants of a model that answers in words, whatever the form in which it was asked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.inputs.json_shape import ANY_OBJECT
from tunesmith.parts import Prompt, Wish
from tunesmith.serve.limits import refusal
from tunesmith.serve.talk import ChatRequest, CompletionRequest, Generation, ResponseFormat

MOST_STOPS = 16


@dataclass(frozen=True)
class Order:
    """What a request wants, whatever its form.

    max_tokens: None for what the window has room for.  calls: names of tools whose calls are told as such.
    """

    prompts: Sequence[Prompt]
    choices: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    seed: int
    stream: bool
    tells_usage: bool
    max_tokens: int | None
    logprobs: bool
    alternatives: int
    schema: Mapping[str, Any] | None = None
    tools: Any = None
    calls: frozenset[str] = frozenset()

    def wish(self, max_tokens: int, choice: int) -> Wish:
        """How one of the answers is to be written; each has a seed of its own."""
        return Wish(
            max_tokens=max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=self.stop,
            seed=self.seed + choice,
            alternatives=self.alternatives,
            schema=self.schema,
            tools=self.tools,
        )


def of_chat(body: ChatRequest) -> Order:
    """What is wanted.  Raises DataError V102 where two settings contradict each other."""
    if body.top_logprobs and not body.logprobs:
        raise _contradiction("top_logprobs", "top_logprobs without logprobs", '"logprobs": true beside it')
    if body.max_tokens and body.max_completion_tokens and body.max_tokens != body.max_completion_tokens:
        raise _contradiction("max_tokens", "max_tokens and max_completion_tokens differ", "one of them")
    tools = body.tools or None
    return Order(
        [[message.turn() for message in body.messages]],
        *_common(body),
        max_tokens=body.max_completion_tokens or body.max_tokens,
        logprobs=bool(body.logprobs),
        alternatives=body.top_logprobs or 0,
        schema=_schema(body.response_format),
        tools=tools,
        calls=frozenset() if body.tool_choice == "none" or not tools else _names(tools),
    )


def of_completion(body: CompletionRequest) -> Order:
    """What is wanted.  Raises DataError V102 where there is nothing to go on from."""
    prompts = [body.prompt] if isinstance(body.prompt, str) else list(body.prompt)
    if not prompts:
        raise _contradiction("prompt", "there is no prompt", "one text or more")
    return Order(
        prompts,
        *_common(body),
        max_tokens=body.max_tokens,
        logprobs=body.logprobs is not None,
        alternatives=body.logprobs or 0,
    )


def _common(body: Generation) -> tuple[Any, ...]:
    """choices, temperature, top_p, stop, seed, stream, tells_usage."""
    stops = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if len(stops) > MOST_STOPS or not all(stops):
        raise _contradiction("stop", f"{len(stops)} stop texts", f"at most {MOST_STOPS}, none of them empty")
    if body.stream_options and not body.stream:
        raise _contradiction("stream_options", "stream_options without stream", '"stream": true beside it')
    seed = secrets.randbits(48) if body.seed is None else body.seed
    tells = bool(body.stream_options and body.stream_options.include_usage)
    top_p = 1.0 if body.top_p is None else body.top_p
    return body.n or 1, body.temperature or 0.0, top_p, tuple(stops), seed, bool(body.stream), tells


def _schema(wanted: ResponseFormat | None) -> Mapping[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ANY_OBJECT
    if wanted.json_schema is None:
        raise _contradiction(
            "response_format", "json_schema without a schema", '{"json_schema": {"schema": …}}'
        )
    return wanted.json_schema.schema_ or ANY_OBJECT


def _names(tools: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The names of the declared functions.  Raises DataError V102 for a tool that is none."""
    found = [tool.get("function") for tool in tools]
    names = [each.get("name") for each in found if isinstance(each, Mapping)]
    if len(names) != len(tools) or not all(isinstance(name, str) and name for name in names):
        raise _contradiction(
            "tools", "a tool is no named function", '{"type": "function", "function": {"name": …}}'
        )
    return frozenset(map(str, names))


def _contradiction(where: str, found: str, expected: str) -> Exception:
    return refusal(
        "V102", found, expected=expected, where=where, fixes=("GET /docs shows requests that work",)
    )
