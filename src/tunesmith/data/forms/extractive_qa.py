"""A question, a context, and answers that stand in it (SQuAD's shape)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import text, unpacked
from tunesmith.fields import Field
from tunesmith.parts import Form

_EXAMPLE = '{"text": ["nine"], "answer_start": [31]}'
_LABEL = "answer"


class ExtractiveQa(Form):
    """Keys: question, context, answers ({text: […], answer_start: […]} or [{text, answer_start}], in characters).

    No answers: the context does not say.  Equal answers count once; each must stand where it says.
    """

    content: ClassVar = "extract"
    keys: ClassVar = (
        Field("question", "input", ("question", "query")),
        Field("context", "input", ("context", "passage", "paragraph", "document")),
        Field("answers", "target", ("answers", "answer"), kind="json"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        context = text(row.get("context"))
        found = dict.fromkeys(_span(*each, context) for each in _pairs(row.get("answers")))
        spans = [{"start": start, "end": end, "label": _LABEL} for start, end in found]
        return {"question": text(row.get("question")), "text": context, "spans": spans}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        whole, spans = fields["text"], fields["spans"]
        texts = [whole[span["start"] : span["end"]] for span in spans]
        answers = {"text": texts, "answer_start": [span["start"] for span in spans]}
        return {"question": fields["question"], "context": whole, "answers": answers}

    def samples(self) -> list[dict[str, Any]]:
        context = "The shop in Mill Lane opens at nine and closes at six."
        return [
            {
                "question": "When does the shop open?",
                "context": context,
                "answers": {"text": ["nine", "nine", "at nine"], "answer_start": [31, 31, 28]},
            },
            {
                "question": "Where is the shop?",
                "context": context,
                "answers": [{"text": "Mill Lane", "answer_start": 12}],
            },
            {
                "question": "Who owns it?",
                "context": context,
                "answers": {"text": [], "answer_start": []},
            },
        ]


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """(text, start) of each answer.  Raises ValueError where they have another shape."""
    found = unpacked(value)
    if found in (None, ""):
        return []
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return [(each.get("text"), each.get("answer_start")) for each in found]
    if not isinstance(found, Mapping) or not {"text", "answer_start"} <= set(found):
        raise ValueError(f"answers that are no object of texts and starts; write {_EXAMPLE}")
    texts, starts = (_many(found[name]) for name in ("text", "answer_start"))
    if len(texts) != len(starts):
        raise ValueError(f"{len(texts)} texts and {len(starts)} starts of answers; write {_EXAMPLE}")
    return list(zip(texts, starts, strict=True))


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _span(said: Any, start: Any, context: str) -> tuple[int, int]:
    if not isinstance(said, str) or not said:
        raise ValueError(f"an answer without a text; write {_EXAMPLE}")
    if not isinstance(start, (int, float)) or isinstance(start, bool) or start < 0 or start != int(start):
        raise ValueError(f"an answer without a start; write {_EXAMPLE}")
    first = int(start)
    if context[first : first + len(said)] != said:
        raise ValueError(
            f"the answer {said[:40]!r} does not stand at {first}; count the characters of its context"
        )
    return first, first + len(said)
