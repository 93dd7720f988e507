"""An instruction and what it is about, with a chosen and a rejected answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.fields import Field
from tunesmith.parts import Form


class PreferenceAlpaca(Form):
    """Keys: instruction, input, chosen, rejected, system, history."""

    content: ClassVar = "preference"
    keys: ClassVar = (
        Field("instruction", "input", ("instruction", "instructions")),
        Field("input", "input", ("input", "context"), required=False),
        Field("chosen", "target", ("chosen",)),
        Field("rejected", "target", ("rejected",)),
        Field("system", "input", ("system", "system_prompt"), required=False),
        Field("history", "input", ("history",), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        replies = {name: [_turns.turn("assistant", row.get(name))] for name in ("chosen", "rejected")}
        return {"prompt": _turns.asking(row), **replies}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        rest, question = _turns.closed(fields["prompt"])
        replies = {name: _said(fields[name]) for name in ("chosen", "rejected")}
        return {"instruction": question, "input": "", **replies, **rest}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "instruction": "Put the sentence in the past.",
                "input": "I oil the chain.",
                "chosen": "I oiled the chain.",
                "rejected": "I will oil the chain.",
            }
        ]


def _said(turns: list[Mapping[str, Any]]) -> str:
    if [turn["role"] for turn in turns] != ["assistant"]:
        raise ValueError("a reply of several turns; convert to preference")
    return str(turns[0]["content"])
