"""A prompt and its completion, as texts or as lists of messages; also question and answer, query and response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.fields import Field
from tunesmith.parts import Form


class PromptCompletion(Form):
    """Keys: prompt, completion, system, tools, answer_schema."""

    content: ClassVar = "chat"
    keys: ClassVar = (
        Field("prompt", "input", ("prompt", "question", "query", "input", "instruction", "problem")),
        Field("completion", "target", ("completion", "answer", "response", "output", "solution")),
        Field("system", "input", ("system", "system_prompt"), required=False),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
        Field("answer_schema", "input", ("answer_schema", "response_schema"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        turns = [
            *_turns.opened(row.get("system"), None),
            *_turns.spoken(row.get("prompt"), "user", "prompt"),
            *_turns.spoken(row.get("completion"), "assistant", "completion"),
        ]
        return {"messages": turns, **_turns.extras(row)}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked, answer = _turns.answered(fields["messages"])
        return {
            "prompt": _turns.shown(asked, "user"),
            "completion": _turns.shown(answer, "assistant"),
            **_turns.kept(fields),
        }

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"prompt": "Do you repair brakes?", "completion": "Yes, on weekdays from nine to five."},
            {
                "prompt": [{"role": "user", "content": "Which oil for a chain?"}],
                "completion": [{"role": "assistant", "content": "Thin oil when it is dry."}],
            },
        ]
