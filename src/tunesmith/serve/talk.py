"""What may be asked of a model that answers in words: OpenAI's chat and text completions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tunesmith.inputs.json_shape import ANY_OBJECT
from tunesmith.parts import Prompt, Wish
from tunesmith.serve.limits import refusal

MOST_CHOICES, MOST_STOPS, MOST_RIVALS = 16, 16, 20
_HALF, _WHOLE = -(2**63), 2**63 - 1


def _only(*neutral: Any) -> BeforeValidator:
    """For a field of OpenAI's that is taken where its value changes nothing."""

    def check(value: Any) -> Any:
        if value is not None and value not in neutral:
            wanted = neutral[0] if neutral else None
            raise ValueError(f"this server can't do that; leave it out or send {wanted!r}")
        return value

    return BeforeValidator(check)


_Nothing = Annotated[Any, _only()]
_Zero = Annotated[Any, _only(0)]
_One = Annotated[Any, _only(1)]
_False = Annotated[Any, _only(False)]
_Empty = Annotated[Any, _only({}, [], "", "none")]
_Texts = Annotated[Any, _only(["text"])]
_Ignored = Annotated[Any, Field(description="taken for compatibility; not used, not kept")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class StreamOptions(_Shape):
    """What a stream tells besides."""

    include_usage: bool | None = Field(None, description="a last event with the token counts")
    include_obfuscation: _Ignored = None


class Generation(_Shape):
    """How answers are written."""

    model: str | None = Field(None, description="name of a served model; without one, the first")
    max_tokens: int | None = Field(
        None, ge=1, le=1 << 20, description="default: what the window has room for"
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="default 0, always the likeliest token: as the model was measured"
    )
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = Field(None, description="texts that end an answer and are not part of it")
    seed: int | None = Field(None, ge=_HALF, le=_WHOLE, description="the same seed gives the same answer")
    n: int | None = Field(None, ge=1, le=MOST_CHOICES, description="answers to each prompt")
    stream: bool | None = Field(None, description="server-sent events, a piece each")
    stream_options: StreamOptions | None = None
    presence_penalty: _Zero = None
    frequency_penalty: _Zero = None
    logit_bias: _Empty = None
    user: _Ignored = None
    metadata: _Ignored = None
    store: _Ignored = None
    service_tier: _Ignored = None


class Message(BaseModel):
    """One turn.  Keys that the chat template knows besides are passed on to it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    def turn(self) -> dict[str, Any]:
        """The turn as templates read it."""
        parts = self.content if isinstance(self.content, list) else None
        said = "\n".join(part.text for part in parts) if parts is not None else self.content or ""
        more = {key: getattr(self, key) for key in ("name", "tool_calls", "tool_call_id")}
        return {"role": self.role, "content": said} | {k: v for k, v in more.items() if v is not None}


class TextPart(BaseModel):
    """A part of a message; this server reads texts only."""

    model_config = ConfigDict(extra="ignore", strict=True)

    type: Literal["text"]
    text: str


class JsonSchema(_Shape):
    """What an answer must fit."""

    name: str = ""
    description: str | None = None
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema", description="JSON Schema")
    strict: bool | None = None


class ResponseFormat(_Shape):
    """text, any JSON object, or JSON that fits a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(Generation):
    """Messages to answer."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1, le=1 << 20, description="as max_tokens")
    logprobs: bool | None = Field(None, description="tell the log-probability of each token")
    top_logprobs: int | None = Field(
        None, ge=0, le=MOST_RIVALS, description="rivals of each token; wants logprobs"
    )
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = Field(None, description="passed to the model's chat template")
    tool_choice: Literal["none", "auto"] | None = Field(
        None, description="none: what the model says is told as text; auto: calls are told as tool_calls"
    )
    modalities: _Texts = None
    functions: _Empty = None
    function_call: _Empty = None
    audio: _Nothing = None
    prediction: _Nothing = None
    web_search_options: _Nothing = None
    parallel_tool_calls: _Ignored = None
    safety_identifier: _Ignored = None
    prompt_cache_key: _Ignored = None
    prompt_cache_retention: _Ignored = None
    reasoning_effort: _Ignored = None
    verbosity: _Ignored = None

    def order(self) -> Order:
        """What is wanted.  Raises DataError V102 where two settings contradict each other."""
        if self.top_logprobs and not self.logprobs:
            raise _contradiction(
                "top_logprobs", "top_logprobs without logprobs", '"logprobs": true beside it'
            )
        if self.max_tokens and self.max_completion_tokens and self.max_tokens != self.max_completion_tokens:
            raise _contradiction("max_tokens", "max_tokens and max_completion_tokens differ", "one of them")
        tools = self.tools or None
        return Order(
            [[message.turn() for message in self.messages]],
            *_common(self),
            max_tokens=self.max_completion_tokens or self.max_tokens,
            logprobs=bool(self.logprobs),
            alternatives=self.top_logprobs or 0,
            schema=_schema(self.response_format),
            tools=tools,
            calls=frozenset() if self.tool_choice == "none" or not tools else _names(tools),
        )


class CompletionRequest(Generation):
    """Texts to go on from."""

    prompt: str | list[str] = Field(description="one text or several")
    logprobs: int | None = Field(None, ge=0, le=MOST_RIVALS, description="rivals of each token")
    echo: _False = None
    suffix: _Empty = None
    best_of: _One = None

    def order(self) -> Order:
        """What is wanted.  Raises DataError V102 where there is nothing to go on from."""
        prompts = [self.prompt] if isinstance(self.prompt, str) else list(self.prompt)
        if not prompts:
            raise _contradiction("prompt", "there is no prompt", "one text or more")
        return Order(
            prompts,
            *_common(self),
            max_tokens=self.max_tokens,
            logprobs=self.logprobs is not None,
            alternatives=self.logprobs or 0,
        )


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


Message.model_rebuild()
