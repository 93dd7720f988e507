"""A prompt, the chosen and the rejected answer, as texts or as lists of messages (TRL's shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import filled
from tunesmith.fields import Field
from tunesmith.parts import Form


class Preference(Form):
    """Keys: prompt, chosen, rejected, tools.  Answers that repeat the prompt's messages are cut to the replies."""

    content: ClassVar = "preference"
    keys: ClassVar = (
        Field("prompt", "input", ("prompt", "question", "query", "input")),
        Field("chosen", "target", ("chosen", "preferred", "chosen_response", "accepted")),
        Field("rejected", "target", ("rejected", "rejected_response", "dispreferred")),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        prompt = _turns.spoken(row.get("prompt"), "user", "prompt")
        sides = {name: _turns.spoken(row.get(name), "assistant", name) for name in ("chosen", "rejected")}
        if all(len(side) > len(prompt) and side[: len(prompt)] == prompt for side in sides.values()):
            sides = {name: side[len(prompt) :] for name, side in sides.items()}
        return {"prompt": prompt, **sides, **filled(tools=_turns.tools(row.get("tools")))}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "prompt": _turns.shown(fields["prompt"], "user"),
            **{name: _turns.shown(fields[name], "assistant") for name in ("chosen", "rejected")},
            **filled(tools=fields.get("tools")),
        }

    def samples(self) -> list[dict[str, Any]]:
        asked = [{"role": "user", "content": "Which oil for a chain?"}]
        return [
            {"prompt": "Do you repair brakes?", "chosen": "Yes, on weekdays.", "rejected": "Maybe."},
            {
                "prompt": asked,
                "chosen": [*asked, {"role": "assistant", "content": "Thin oil when it is dry."}],
                "rejected": [*asked, {"role": "assistant", "content": "Any oil."}],
            },
        ]
