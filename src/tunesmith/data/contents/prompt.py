"""A prompt without an answer: the model writes the answers itself while it learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.contents import _turns
from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Prompt(Content):
    """Fields: prompt (list of messages as in `chat`, the last not the assistant's), reference (what an answer is held
    against; absent where nothing is), tools ([…], absent where there are none).

    It offers no turns: what checks say of conversations is about answers, and here are none.
    """

    fields: ClassVar = (
        Field("prompt", "input", kind="messages"),
        Field("reference", "target", required=False),
        Field("tools", "input", required=False, kind="json"),
    )

    def text(self, record: Record) -> str:
        return "\n".join(_turns.said(_turns.of(record, "prompt"), "user"))

    def target(self, record: Record) -> str | None:
        value = record.fields.get("reference")
        return None if value is None or value == "" else str(value)

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        asked = _turns.passages("prompt", _turns.of(record, "prompt"))
        held = self.target(record)
        return asked if held is None else [*asked, (("reference",), held)]

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"prompt": [{"role": "user", "content": "How do I mend a flat tyre on the road?"}]},
            {
                "prompt": [
                    {"role": "system", "content": "Answer with a number."},
                    {"role": "user", "content": "A wheel has 36 spokes. How many have two wheels?"},
                ],
                "reference": "72",
            },
        ]
