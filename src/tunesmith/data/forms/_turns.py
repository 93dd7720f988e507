"""What forms of conversations share: messages as files write them, and as a content holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.forms._values import filled, flag, listed, text, unpacked

Turn = dict[str, Any]
_EXAMPLE = '[{"role": "user", "content": "…"}, …]'
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant|System): ?")
_SPEAKERS = {"Human": "user", "Assistant": "assistant", "System": "system"}


def turn(role: str, content: Any) -> Turn:
    """One message."""
    return {"role": role, "content": text(content)}


def messages(value: Any, name: str) -> list[Turn]:
    """A list of messages with role and content.  Raises ValueError where it is none.

    A content of typed parts keeps its texts, one on a line; `loss` is read as the weight of its turn.
    """
    return [message(each) for each in listed(value, name, _EXAMPLE)]


def message(value: Any) -> Turn:
    """One message of a file.  Raises ValueError where it has no role."""
    if not isinstance(value, Mapping) or not isinstance(value.get("role"), str):
        raise ValueError('a message without a role; write {"role": "user", "content": "…"}')
    content = value.get("content")
    if isinstance(content, list):
        content = "\n".join(text(part.get("text")) for part in content if isinstance(part, Mapping))
    rest = {key: item for key, item in value.items() if item is not None and key not in ("content", "loss")}
    if "loss" in value and "weight" not in rest and (learnt := flag(value["loss"])) is not None:
        rest["weight"] = int(learnt)
    return {**rest, "content": text(content)}


def spoken(value: Any, role: str, name: str) -> list[Turn]:
    """What stands under a key as messages: a list of them, or a text that the role says."""
    found = _packed(value) if isinstance(value, str) else value
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return messages(found, name)
    return [message(found)] if isinstance(found, Mapping) else [turn(role, value)]


def _packed(value: str) -> Any:
    """The messages that a cell holds as text, else None: an answer may be JSON of its own."""
    found = unpacked(value)
    whole = isinstance(found, list) and bool(found)
    return found if whole and all(isinstance(each, Mapping) and "role" in each for each in found) else None


def plain(turns: Sequence[Mapping[str, Any]], role: str) -> str | None:
    """The text of a single bare message of that role, None where the turns are anything else."""
    if len(turns) == 1 and set(turns[0]) == {"role", "content"} and turns[0]["role"] == role:
        found = str(turns[0]["content"])
        return found if _packed(found) is None else None
    return None


def shown(turns: Sequence[Mapping[str, Any]], role: str) -> Any:
    """The inverse of `spoken`: a text where that says it all, else the messages."""
    found = plain(turns, role)
    return [dict(each) for each in turns] if found is None else found


def tools(value: Any) -> Any:
    """The tools of a row: a list, which tables hold as JSON text.  Raises ValueError where it is neither."""
    found = unpacked(value)
    if not found:
        return []
    if isinstance(found, Mapping):
        return [found]
    return listed(found, "tools", '[{"name": …, "parameters": …}, …]')


def extras(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a conversation may bring beside its turns: tools, and the schema of its last answer."""
    return filled(tools=tools(row.get("tools")), answer_schema=schema(row.get("answer_schema")))


def kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `extras`."""
    return filled(tools=fields.get("tools"), answer_schema=fields.get("answer_schema"))


def schema(value: Any) -> Any:
    """The JSON Schema of a row: an object, which tables hold as JSON text.  Raises ValueError for anything else."""
    found = unpacked(value)
    if not found:
        return {}
    if isinstance(found, Mapping):
        return dict(found)
    raise ValueError('an answer_schema that is no object; write {"type": "object", …}')


def opened(system: Any, history: Any) -> list[Turn]:
    """A system message and earlier pairs of question and answer, as far as a row has them."""
    turns = [turn("system", system)] if text(system).strip() else []
    for pair in listed(history, "history", "[[question, answer], …]") if unpacked(history) else []:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise ValueError("a history that is no list of pairs; write [[question, answer], …]")
        turns += [turn("user", pair[0]), turn("assistant", pair[1])]
    return turns


def closed(turns: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], str]:
    """The inverse of `opened` for turns that end with a question: ({system, history}, the question).

    Raises ValueError where the turns are no plain questions and answers.
    """
    said = [(str(each["role"]), str(each["content"])) for each in turns]
    system = said.pop(0)[1] if said and said[0][0] == "system" else ""
    roles = [role for role, _ in said]
    if len(said) % 2 == 0 or roles != ["user", "assistant"] * (len(said) // 2) + ["user"]:
        raise ValueError("the turns are not questions and answers in turn; convert to messages")
    pairs = [[said[k][1], said[k + 1][1]] for k in range(0, len(said) - 1, 2)]
    return filled(system=system, history=pairs), said[-1][1]


def answered(turns: Sequence[Mapping[str, Any]]) -> tuple[list[Turn], list[Turn]]:
    """(what stands before the last answer, the last answer: the assistant's messages that end the turns)."""
    cut = len(turns)
    while cut and turns[cut - 1]["role"] == "assistant":
        cut -= 1
    return [dict(each) for each in turns[:cut]], [dict(each) for each in turns[cut:]]


def transcript(value: str) -> list[Turn]:
    """A conversation that is written as one text, 'Human: …' and 'Assistant: …' in turn; none where it is not so."""
    pieces = _SPEAKER.split(value)
    if len(pieces) < 3 or pieces[0].strip():
        return []
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    return [turn(_SPEAKERS[name], said.strip()) for name, said in pairs]


def asking(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns of a row before its answer."""
    about = text(row.get("input"))
    instruction = text(row.get("instruction"))
    question = f"{instruction}\n{about}" if about.strip() else instruction
    return [*opened(row.get("system"), row.get("history")), turn("user", question)]
