"""A prompt and what follows it, without a chat's frame around them."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.data.contents.chat import Chat as Content
from tunesmith.fields import Record
from tunesmith.inputs import chat, speaking
from tunesmith.parts import Codec, Prompt, Tokens
from tunesmith.tasks import _language, _samples

_CONTENT = Content()


class Completion(_language.Answering):
    """Learns the last answer of a row and the token that ends it; the turns before it, a line each, are the prompt."""

    content: ClassVar = "chat"
    fields: ClassVar = Content.fields
    metrics: ClassVar = _language.METRICS
    usual: ClassVar = False
    frame: ClassVar = "lines"

    def text(self, record: Record) -> str:
        return speaking.lines(_language.before_answer(_CONTENT.turns(record)))

    def target(self, record: Record) -> str | None:
        return _language.last_answer(_CONTENT.turns(record))

    def windows(self, record: Record, codec: Codec) -> list[Tokens]:
        return chat.plain_pair(
            chat.template(codec),
            self.text(record),
            self.target(record),
            truncation=codec.settings["truncation"],
            window=codec.settings["window"],
        )

    def prompt(self, record: Record) -> Prompt | None:
        return self.text(record)

    def samples(self) -> list[Record]:
        return _language.records(_samples.chats())
