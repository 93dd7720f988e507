"""Plain texts: the next token after those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tunesmith.data.contents.document import Document as Content
from tunesmith.fields import Record
from tunesmith.inputs import chat
from tunesmith.parts import Answers, Codec, Prompt, Tokens
from tunesmith.tasks import _language, _samples

_CONTENT = Content()


class LanguageModel(_language.LanguageTask):
    """Learns every token of a text; longer texts are divided into windows, and each token is learnt once."""

    content: ClassVar = "document"
    fields: ClassVar = Content.fields
    metrics: ClassVar = ("loss", "perplexity", "bits_per_byte", "token_accuracy")
    frame: ClassVar = "lines"

    def text(self, record: Record) -> str:
        return _CONTENT.text(record)

    def target(self, record: Record) -> str | None:
        return None

    def windows(self, record: Record, codec: Codec) -> list[Tokens]:
        return chat.document(chat.template(codec), self.text(record), window=codec.settings["window"])

    def prompt(self, record: Record) -> Prompt | None:
        return None

    def manner(self) -> dict[str, Any]:
        return {"truncation": "split", "answer_tokens": 1, "whole": True}  # a text and its rest are one

    def demands(self, records: Sequence[Record], answers: Answers) -> dict[str, Any]:
        return {}

    def answered(self, record: Record, text: str) -> Record:
        return record

    def samples(self) -> list[Record]:
        return _language.records(_samples.documents())
