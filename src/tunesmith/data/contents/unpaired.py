"""A prompt with an answer that was found good or bad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.contents import _turns
from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Unpaired(Content):
    """Fields: prompt, completion (lists of messages as in `chat`), label (bool: whether the completion is wanted).

    Its turns are those of the prompt and the completion.
    """

    fields: ClassVar = (
        Field("prompt", "input", kind="messages"),
        Field("completion", "target", kind="messages"),
        Field("label", "target", kind="flag"),
    )
    offers: ClassVar = frozenset({"turns"})

    def text(self, record: Record) -> str:
        return "\n".join(_turns.said(_turns.of(record, "prompt"), "user"))

    def target(self, record: Record) -> str | None:
        return _turns.last(_turns.of(record, "completion"))

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return [*_turns.of(record, "prompt"), *_turns.of(record, "completion")]

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        names = ("prompt", "completion")
        return [passage for name in names for passage in _turns.passages(name, _turns.of(record, name))]

    def samples(self) -> list[dict[str, Any]]:
        asked = [{"role": "user", "content": "Do you repair brakes?"}]
        good = [{"role": "assistant", "content": "Yes, on weekdays from nine to five."}]
        bad = [{"role": "assistant", "content": "Maybe."}]
        return [
            {"prompt": asked, "completion": good, "label": True},
            {"prompt": asked, "completion": bad, "label": False},
        ]
