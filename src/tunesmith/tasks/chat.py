"""Conversations: what the assistant says, in the base's own chat template."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.data.contents.chat import Chat as Content
from tunesmith.fields import Record
from tunesmith.inputs import chat
from tunesmith.parts import Codec, Prompt, Tokens
from tunesmith.tasks import _language, _samples

_CONTENT = Content()


class Chat(_language.Answering):
    """Learns every turn of the assistant (but those of weight 0) and the token that ends it; is judged by the last."""

    content: ClassVar = "chat"
    fields: ClassVar = Content.fields
    metrics: ClassVar = _language.METRICS
    frame: ClassVar = "chat"

    def text(self, record: Record) -> str:
        return _CONTENT.text(record)

    def target(self, record: Record) -> str | None:
        return _language.last_answer(_CONTENT.turns(record))

    def windows(self, record: Record, codec: Codec) -> list[Tokens]:
        return chat.tokens(
            chat.template(codec),
            _CONTENT.turns(record),
            tools=record.fields.get("tools"),
            truncation=codec.settings["truncation"],
            window=codec.settings["window"],
        )

    def prompt(self, record: Record) -> Prompt | None:
        return _language.before_answer(_CONTENT.turns(record))

    def samples(self) -> list[Record]:
        return _language.records(_samples.chats())
