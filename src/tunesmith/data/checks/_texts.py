"""What the checks of texts share: passages and how they would be mended, answers, cases of conversations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.data.checks._rows import planted
from tunesmith.fields import Record
from tunesmith.parts import Case, Fault

_TOLD_APART = frozenset(("labels", "tags", "spans"))  # where the target is none of these, it is written text


def damaged(
    row: Record,
    evidence: Mapping[str, Any],
    broken: Callable[[str], Any],
    mend: Callable[[str], str] | None = None,
) -> Fault | None:
    """The fault of a row of which a passage is broken: its kind is what `broken` says, its edits mend the passages.

    Where spans are counted in characters nothing is edited, since they would no longer fit.
    """
    content = evidence["content"]
    found = [(way, text, kind) for way, text in content.passages(row) if (kind := broken(text))]
    if not found:
        return None
    kind = found[0][2] if isinstance(found[0][2], str) else ""
    if mend is None or "spans" in content.offers:
        return Fault(kind)
    return Fault(kind, tuple((way, mend(text)) for way, text, _ in found))


def answer_of(row: Record, evidence: Mapping[str, Any]) -> str | None:
    """What a model should write; None where the content has classes, tags or spans instead, or no answer."""
    content = evidence["content"]
    return None if content.offers & _TOLD_APART else content.target(row)


def asked(row: Record, evidence: Mapping[str, Any]) -> str:
    """What the answer answers: the last turn of the user, or the row's input."""
    content = evidence["content"]
    turns = content.turns(row) if "turns" in content.offers else ()
    return next(
        (str(turn["content"]) for turn in reversed(turns) if turn["role"] == "user"), ""
    ) or content.text(row)


def answered(*pairs: tuple[str, str], **evidence: Any) -> Case:
    """A case of conversations of one (question, answer) each."""
    from tunesmith.data.contents.chat import Chat

    rows = [
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in pairs
    ]
    return planted(Chat(), *rows, **evidence)
