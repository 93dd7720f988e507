"""An instruction, what it is about, and the answer (Alpaca's shape, Dolly's too)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.fields import Field
from tunesmith.parts import Form


class Alpaca(Form):
    """Keys: instruction, input, output, system, history ([[question, answer], …]).

    Instruction and input become one user message, the input on a line of its own.
    """

    content: ClassVar = "chat"
    keys: ClassVar = (
        Field("instruction", "input", ("instruction", "instructions")),
        Field("input", "input", ("input", "context"), required=False),
        Field("output", "target", ("output", "response", "answer", "completion")),
        Field("system", "input", ("system", "system_prompt"), required=False),
        Field("history", "input", ("history",), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        asked = _turns.asking(row)
        return {"messages": [*asked, _turns.turn("assistant", row.get("output"))]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked, answer = fields["messages"][:-1], fields["messages"][-1:]
        if not answer or answer[0]["role"] != "assistant":
            raise ValueError("the last turn is not the assistant's; convert to messages")
        rest, question = _turns.closed(asked)
        return {"instruction": question, "input": "", "output": answer[0]["content"], **rest}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "instruction": "Put the sentence in the past.",
                "input": "I oil the chain.",
                "output": "I oiled it.",
            },
            {"instruction": "Name a part of a bicycle.", "input": "", "output": "The saddle."},
            {
                "instruction": "And in winter?",
                "output": "From ten to four.",
                "system": "You answer for a bicycle shop.",
                "history": [["When do you open?", "From nine to five."]],
            },
        ]
