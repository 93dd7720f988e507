"""Prompts without answers, for objectives under which the model writes its own (TRL's shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import filled, text
from tunesmith.fields import Field
from tunesmith.parts import Form


class PromptOnly(Form):
    """Keys: prompt (a text or a list of messages), reference (what an answer is held against), tools."""

    content: ClassVar = "prompt"
    # few names: a question beside columns that nobody knows is more than a prompt
    keys: ClassVar = (
        Field("prompt", "input", ("prompt", "prompts")),
        Field("reference", "target", ("reference", "ground_truth", "reference_answer"), required=False),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        prompt = _turns.spoken(row.get("prompt"), "user", "prompt")
        if prompt and prompt[-1]["role"] == "assistant":
            raise ValueError("a prompt that ends with an answer; leave it out, or write both as messages")
        reference, tools = text(row.get("reference")), _turns.tools(row.get("tools"))
        return {"prompt": prompt, **filled(reference=reference, tools=tools)}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        more = filled(reference=fields.get("reference"), tools=fields.get("tools"))
        return {"prompt": _turns.shown(fields["prompt"], "user"), **more}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"prompt": "How do I mend a flat tyre on the road?"},
            {
                "prompt": [
                    {"role": "system", "content": "Answer with a number."},
                    {"role": "user", "content": "A wheel has 36 spokes. How many have two wheels?"},
                ],
                "reference": 72,
            },
        ]
