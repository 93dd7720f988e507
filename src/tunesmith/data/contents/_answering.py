"""How rows with an answer become prompts without one, and prompts, steps and marked answers become conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]
Rows = list[dict[str, Any]]


def prompt_of_talk(fields: Fields) -> Rows:
    """A conversation up to its last answer, which becomes the reference where it says something."""
    asked, answer = _cut(fields)
    reference = "\n".join(str(turn["content"]) for turn in answer if str(turn["content"]).strip())
    return [{"prompt": asked, **_held(reference=reference, tools=fields.get("tools"))}] if asked else []


def talk_lost(fields: Fields) -> tuple[str, ...]:
    """The messages, where the last answer is more than one plain text."""
    _, answer = _cut(fields)
    plain = len(answer) == 1 and set(answer[0]) == {"role", "content"}
    return () if plain or not answer else ("messages",)


def prompt_alone(fields: Fields) -> Rows:
    """The prompt of a row whose answers were judged."""
    return [{"prompt": fields["prompt"], **_held(tools=fields.get("tools"))}]


def talk_of_prompt(fields: Fields) -> Rows:
    """A prompt with its reference as the answer; no row where it has none."""
    answer = fields.get("reference")
    return _talk(fields["prompt"], answer, fields.get("tools")) if answer else []


def talk_of_steps(fields: Fields) -> Rows:
    """A prompt with the steps as the answer; no row where one of them is wrong."""
    whole = bool(fields["labels"]) and all(fields["labels"])
    return _talk(fields["prompt"], "\n".join(fields["completions"])) if whole else []


def talk_of_extract(fields: Fields) -> Rows:
    """A text and a question about it, with the first answer; no row where the text does not say."""
    answers = _answers(fields)
    asked = {"role": "user", "content": f"{fields['text']}\n\n{fields['question']}"}
    return _talk([asked], answers[0]) if answers else []


def extract_lost(fields: Fields) -> tuple[str, ...]:
    """The spans, where there are several answers."""
    return ("spans",) if len(_answers(fields)) > 1 else ()


def _answers(fields: Fields) -> list[str]:
    return list(dict.fromkeys(fields["text"][span["start"] : span["end"]] for span in fields["spans"]))


def _cut(fields: Fields) -> tuple[list[Any], list[Any]]:
    """(what stands before the last answer, the assistant's messages at the end)."""
    turns, cut = list(fields["messages"]), len(fields["messages"])
    while cut and turns[cut - 1]["role"] == "assistant":
        cut -= 1
    return turns[:cut], turns[cut:]


def _held(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _talk(prompt: list[Any], answer: Any, tools: Any = None) -> Rows:
    return [{"messages": [*prompt, {"role": "assistant", "content": str(answer)}], **_held(tools=tools)}]
