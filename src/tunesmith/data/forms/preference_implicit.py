"""The chosen and the rejected conversation, whole: what they share at the start is the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tunesmith.data.forms import _turns
from tunesmith.data.forms._values import filled, text
from tunesmith.fields import Field
from tunesmith.parts import Form


class PreferenceImplicit(Form):
    """Keys: chosen, rejected (messages, transcripts 'Human: … Assistant: …', or texts that begin alike), tools."""

    content: ClassVar = "preference"
    keys: ClassVar = (
        Field("chosen", "target", ("chosen", "preferred", "chosen_response", "accepted")),
        Field("rejected", "target", ("rejected", "rejected_response", "dispreferred")),
        Field("tools", "input", ("tools", "functions"), required=False, kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        chosen, rejected = (_whole(row.get(name), name) for name in ("chosen", "rejected"))
        if not chosen or not rejected:
            chosen, rejected = _cut(text(row.get("chosen")), text(row.get("rejected")))
        shared = 0
        while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
            shared += 1
        fields = {"prompt": chosen[:shared], "chosen": chosen[shared:], "rejected": rejected[shared:]}
        return {**fields, **filled(tools=_turns.tools(row.get("tools")))}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        sides = {name: [*fields["prompt"], *fields[name]] for name in ("chosen", "rejected")}
        return {**sides, **filled(tools=fields.get("tools"))}

    def samples(self) -> list[dict[str, Any]]:
        asked = [{"role": "user", "content": "Which oil for a chain?"}]
        return [
            {
                "chosen": [*asked, {"role": "assistant", "content": "Thin oil when it is dry."}],
                "rejected": [*asked, {"role": "assistant", "content": "Any oil."}],
            },
            {
                "chosen": "\n\nHuman: Do you repair brakes?\n\nAssistant: Yes, on weekdays.",
                "rejected": "\n\nHuman: Do you repair brakes?\n\nAssistant: Maybe.",
            },
            {"chosen": "The chain wants oil.", "rejected": "The chain wants sand."},
        ]


def _whole(value: Any, name: str) -> list[dict[str, Any]]:
    """A conversation, none where it is a text that is no transcript."""
    found = _turns.spoken(value, "user", name)
    return _turns.transcript(text(value)) if _turns.plain(found, "user") is not None else found


def _cut(chosen: str, rejected: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two texts as prompt and reply: what they share, up to the last blank, is the prompt."""
    shared = _shared(chosen, rejected)
    prompt = [_turns.turn("user", chosen[:shared].rstrip())] if chosen[:shared].strip() else []
    replies = (_turns.turn("assistant", each[shared:]) for each in (chosen, rejected))
    first, second = ([*prompt, reply] for reply in replies)
    return first, second


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    end = 0
    while end < min(len(first), len(second)) and first[end] == second[end]:
        end += 1
    while end and not first[end - 1].isspace():
        end -= 1
    return end
