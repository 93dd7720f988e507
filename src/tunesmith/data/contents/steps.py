"""A prompt, the steps of a solution, and for each step whether it is right (process supervision)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.contents import _turns
from tunesmith.fields import Field, Record, Way
from tunesmith.parts import Content


class Steps(Content):
    """Fields: prompt (list of messages as in `chat`), completions (list of str, a step each), labels (list of bool,
    equally long: whether the step is right).

    After Lightman et al. 2023, arXiv 2305.20050.  Its labels are judgements of steps, no classes of rows.
    """

    fields: ClassVar = (
        Field("prompt", "input", kind="messages"),
        Field("completions", "input", kind="strings"),
        Field("labels", "target", kind="json"),
    )

    def text(self, record: Record) -> str:
        said = _turns.said(_turns.of(record, "prompt"), "user")
        return "\n".join([*said, *map(str, record.fields.get("completions") or ())])

    def target(self, record: Record) -> str | None:
        labels = record.fields.get("labels")
        return None if labels is None else " ".join("right" if label else "wrong" for label in labels)

    def labels(self, record: Record) -> tuple[str, ...]:
        return ()

    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        return []

    def passages(self, record: Record) -> list[tuple[Way, str]]:
        steps = enumerate(record.fields.get("completions") or ())
        return [
            *_turns.passages("prompt", _turns.of(record, "prompt")),
            *((("completions", index), str(step)) for index, step in steps),
        ]

    def samples(self) -> list[dict[str, Any]]:
        asked = [
            {"role": "user", "content": "Two wheels have 36 spokes each; 5 are broken. How many are whole?"}
        ]
        return [
            {
                "prompt": asked,
                "completions": ["Two wheels have 2 × 36 = 72 spokes.", "72 − 5 = 67 are whole."],
                "labels": [True, True],
            },
            {
                "prompt": asked,
                "completions": ["Two wheels have 2 × 36 = 62 spokes.", "62 − 5 = 57 are whole."],
                "labels": [False, False],
            },
        ]
