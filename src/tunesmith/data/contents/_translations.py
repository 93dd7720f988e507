"""How a row of one content becomes rows of another, and which of its fields do not come along.

A translation raises ValueError where it can't make sense of a row; no rows at all mean that the row has no place there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.contents import _answering
from tunesmith.inputs import tagging

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Translation:
    """make: the rows that a row becomes.  lost: names of the row's fields that hold something and are not kept."""

    make: Callable[[Fields], list[dict[str, Any]]]
    lost: Callable[[Fields], tuple[str, ...]]


def find(source: str, goal: str) -> Translation | None:
    """The way from one content to another, None where there is none; nothing is lost between equal contents."""
    if source == goal:
        return Translation(lambda fields: [dict(fields)], lambda _: ())
    return _ALL.get((source, goal))


def goals(source: str) -> list[str]:
    """The contents that rows of this one can become, itself first."""
    return [source, *sorted(goal for start, goal in _ALL if start == source)]


def _dropping(*names: str) -> Callable[[Fields], tuple[str, ...]]:
    return lambda fields: tuple(name for name in names if fields.get(name))


def _turn(role: str, said: Any) -> dict[str, Any]:
    return {"role": role, "content": str(said)}


def _said(asked: Any, answered: Any) -> list[dict[str, Any]]:
    return [{"messages": [_turn("user", asked), _turn("assistant", answered)]}]


def _single(fields: Fields) -> tuple[str, str]:
    """The texts of a conversation that is one question and one answer."""
    turns: Sequence[Mapping[str, Any]] = fields["messages"]
    if [turn["role"] for turn in turns] != ["user", "assistant"]:
        raise ValueError("a conversation that is not one question and one answer")
    return str(turns[0]["content"]), str(turns[1]["content"])


def _pair_of(fields: Fields, first: str, second: str) -> list[dict[str, Any]]:
    asked, answered = _single(fields)
    return [{first: asked, second: answered}]


def _turns_lost(fields: Fields) -> tuple[str, ...]:
    more = any(set(turn) - {"role", "content"} for turn in fields["messages"])
    return (*(("messages",) if more else ()), *(("tools",) if fields.get("tools") else ()))


def _only_label(fields: Fields) -> list[dict[str, Any]]:
    if len(fields["labels"]) != 1:
        raise ValueError(f"{len(fields['labels'])} labels where one is held")
    return [{"text": fields["text"], "label": fields["labels"][0]}]


def _answer_for(fields: Fields, side: str) -> dict[str, Any]:
    tools = {"tools": fields["tools"]} if fields.get("tools") else {}
    return {"messages": [*fields["prompt"], *fields[side]], **tools}


def _judged(fields: Fields) -> list[dict[str, Any]]:
    sides = (("chosen", True), ("rejected", False))
    return [{"prompt": fields["prompt"], "completion": fields[name], "label": good} for name, good in sides]


def _spans_of(fields: Fields) -> list[dict[str, Any]]:
    text, spans = tagging.to_spans(fields["tokens"], fields["tags"])
    return [{"text": text, "spans": spans}]


def _tags_of(fields: Fields) -> list[dict[str, Any]]:
    tokens, tags = tagging.to_tags(fields["text"], fields["spans"])
    return [{"tokens": tokens, "tags": tags}]


def _spans_lost(fields: Fields) -> tuple[str, ...]:
    """The text, where words do not say how they were spaced; the spans, where they overlap or cut no whole word."""
    tokens, tags = tagging.to_tags(fields["text"], fields["spans"])
    text, spans = tagging.to_spans(tokens, tags)
    kinds = [(span["label"], _bare(fields["text"], span)) for span in fields["spans"]]
    kept = [(span["label"], _bare(text, span)) for span in spans]
    return (
        *(("text",) if text != fields["text"] else ()),
        *(("spans",) if sorted(kinds) != sorted(kept) else ()),
    )


def _bare(text: str, span: Mapping[str, Any]) -> str:
    return "".join(text[span["start"] : span["end"]].split())


_ALL: Mapping[tuple[str, str], Translation] = {
    ("labelled", "chat"): Translation(lambda f: _said(f["text"], f["label"]), _dropping()),
    ("labelled", "multilabel"): Translation(
        lambda f: [{"text": f["text"], "labels": [f["label"]] if f["label"] else []}], _dropping()
    ),
    ("labelled", "document"): Translation(lambda f: [{"text": f["text"]}], _dropping("label")),
    ("multilabel", "labelled"): Translation(_only_label, _dropping()),
    ("multilabel", "chat"): Translation(lambda f: _said(f["text"], "; ".join(f["labels"])), _dropping()),
    ("rewrite", "chat"): Translation(lambda f: _said(f["source"], f["target"]), _dropping("references")),
    ("chat", "rewrite"): Translation(lambda f: _pair_of(f, "source", "target"), _turns_lost),
    ("chat", "labelled"): Translation(lambda f: _pair_of(f, "text", "label"), _turns_lost),
    ("preference", "unpaired"): Translation(_judged, _dropping("tools")),
    ("preference", "chat"): Translation(lambda f: [_answer_for(f, "chosen")], _dropping("rejected")),
    ("unpaired", "chat"): Translation(
        lambda f: [_answer_for(f, "completion")] if f["label"] else [], _dropping()
    ),
    ("chat", "prompt"): Translation(_answering.prompt_of_talk, _answering.talk_lost),
    ("preference", "prompt"): Translation(_answering.prompt_alone, _dropping("chosen", "rejected")),
    ("unpaired", "prompt"): Translation(_answering.prompt_alone, _dropping("completion")),
    ("prompt", "chat"): Translation(_answering.talk_of_prompt, _dropping()),
    ("steps", "chat"): Translation(_answering.talk_of_steps, _dropping()),
    ("extract", "chat"): Translation(_answering.talk_of_extract, _answering.extract_lost),
    ("extract", "spans"): Translation(
        lambda f: [{"text": f["text"], "spans": f["spans"]}], _dropping("question")
    ),
    ("tags", "spans"): Translation(_spans_of, _dropping()),
    ("spans", "tags"): Translation(_tags_of, _spans_lost),
    ("spans", "document"): Translation(lambda f: [{"text": f["text"]}], _dropping("spans")),
}
