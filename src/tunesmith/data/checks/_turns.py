"""What the checks of conversations share: the conversations of a row, how they look to the model, planted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.data.checks._rows import key_of, planted
from tunesmith.fields import Record, Way
from tunesmith.parts import Case, Content

if TYPE_CHECKING:
    from tunesmith.inputs.templates import Glance, Template
    from tunesmith.inputs.windows import Truncation

Turn = Mapping[str, Any]
_ENDED = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}"


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation.  turns: its messages; those that are not learnt have weight 0.  paths: where each stands."""

    turns: list[Turn]
    paths: list[Way]


def threads(row: Record, content: Content) -> list[Thread]:
    """The conversations of a row: its messages, or its prompt with each reply to it (of which the reply is learnt)."""
    fields = [each for each in content.fields if each.kind == "messages"]
    begun = [each.name for each in fields if each.role == "input"]
    replies = [each.name for each in fields if each.role == "target"]
    if not replies:
        return [_thread(row, begun, ())]
    return [_thread(row, [*begun, reply], begun) for reply in replies]


def _thread(row: Record, names: Sequence[str], unlearnt: Sequence[str]) -> Thread:
    turns: list[Turn] = []
    paths: list[Way] = []
    for name in names:
        for index, turn in enumerate(row.fields.get(name) or ()):
            turns.append({**turn, "weight": 0} if name in unlearnt else turn)
            paths.append((name, index))
    return Thread(turns, paths)


def blank(turn: Turn) -> bool:
    """Whether a turn neither says nor calls anything."""
    return not str(turn.get("content") or "").strip() and not turn.get("tool_calls")


def calls(turn: Turn) -> list[Mapping[str, Any]]:
    """The functions that a turn calls ({name, arguments}), as far as they have the shape of calls."""
    found = turn.get("tool_calls")
    functions = [each.get("function", each) for each in found or () if isinstance(each, Mapping)]
    return [each for each in functions if isinstance(each, Mapping)]


def seen(row: Record, evidence: Mapping[str, Any]) -> list[Glance]:
    """The row's conversations as the model sees them, in figures."""
    template: Template = evidence["template"]
    tools = row.fields.get("tools")
    key = key_of(row)
    return [
        template.glance(f"{key}/{number}", thread.turns, tools)
        for number, thread in enumerate(threads(row, evidence["content"]))
    ]


def chat(*rows: Sequence[tuple[str, str]], **evidence: Any) -> Case:
    """A case of conversations, each given as (role, what it says)."""
    return dialogs(*({"messages": [said(*turn) for turn in row]} for row in rows), **evidence)


def dialogs(*rows: Mapping[str, Any], **evidence: Any) -> Case:
    """A case of conversations, each given by its fields."""
    from tunesmith.data.contents.chat import Chat

    return planted(Chat(), *rows, **evidence)


def pairs(*rows: Mapping[str, Any], **evidence: Any) -> Case:
    """A case of preferences, each given by its fields."""
    from tunesmith.data.contents.preference import Preference

    return planted(Preference(), *rows, **evidence)


def said(role: str, content: str, **more: Any) -> dict[str, Any]:
    """A message."""
    return {"role": role, "content": content, **more}


def template(
    program: str = _ENDED,
    window: int = 0,
    truncation: Truncation = "right",
    words: Mapping[str, str] | None = None,
) -> Template:
    """A small template for planted cases: '<|end|>' ends a turn, and every character is a token.  words: more special
    tokens that templates name."""
    from tunesmith.inputs.templates import Template

    return Template(
        program,
        words={"eos_token": "<|end|>", **(words or {})},
        specials=frozenset({"<|end|>", "<|user|>", "<|assistant|>", *(words or {}).values()}),
        stops=frozenset({"<|end|>"}),
        window=window,
        encode=lambda text: (tuple(map(ord, text)), tuple((at, at + 1) for at in range(len(text)))),
        unknown=0,
        name="planted",
        truncation=truncation,
    )
