"""A prompt with a better and a worse answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.contents import _turns
from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content

_SIDES = ("prompt", "chosen", "rejected")


class Preference(Content):
    """Fields: prompt, chosen, rejected (lists of messages as in `chat`; the last two hold the replies only), tools.

    Its turns are those of the prompt and the chosen reply.
    """

    fields: ClassVar = (
        Field("prompt", "input", kind="messages"),
        Field("chosen", "target", kind="messages"),
        Field("rejected", "target", kind="messages"),
        Field("tools", "input", required=False, kind="json"),
    )
    offers: ClassVar = frozenset({"turns"})

    def text(self, record: Record) -> str:
        return "\n".join(_turns.said(_turns.of(record, "prompt"), "user"))

    def target(self, record: Record) -> str | None:
        return _turns.last(_turns.of(record, "chosen"))

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return [*_turns.of(record, "prompt"), *_turns.of(record, "chosen")]

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        return [passage for name in _SIDES for passage in _turns.passages(name, _turns.of(record, name))]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "prompt": [{"role": "user", "content": "Do you repair brakes?"}],
                "chosen": [{"role": "assistant", "content": "Yes, on weekdays from nine to five."}],
                "rejected": [{"role": "assistant", "content": "Maybe."}],
            },
            {
                "prompt": [
                    {"role": "system", "content": "You answer for a bicycle shop."},
                    {"role": "user", "content": "Which oil for a chain?"},
                ],
                "chosen": [{"role": "assistant", "content": "Thin oil when it is dry, thick when it rains."}],
                "rejected": [{"role": "assistant", "content": "Any oil, also that of the kitchen."}],
            },
        ]
