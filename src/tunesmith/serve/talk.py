"""What may be asked of a model that answers in words: OpenAI's chat and text completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST_CHOICES, MOST_RIVALS = 16, 20
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


class CompletionRequest(Generation):
    """Texts to go on from."""

    prompt: str | list[str] = Field(description="one text or several")
    logprobs: int | None = Field(None, ge=0, le=MOST_RIVALS, description="rivals of each token")
    echo: _False = None
    suffix: _Empty = None
    best_of: _One = None


Message.model_rebuild()
