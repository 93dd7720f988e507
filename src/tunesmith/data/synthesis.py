"""What a language model is asked when it writes rows, and how its answer is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 2000  # characters of an example or a document that are shown to the model
FENCE = "```"


def rows_of(label: str, examples: Sequence[str], count: int) -> list[dict[str, str]]:
    """The question for `count` new texts of a class, with real ones as examples."""
    shown = "\n".join(f"- {text[:LONGEST]}" for text in examples)
    return [
        {
            "role": "system",
            "content": "You write realistic training texts. Vary wording, length, tone and detail; copy no example. "
            "Answer with a JSON list of strings and nothing else.",
        },
        {
            "role": "user",
            "content": f'Texts of the class "{label}":\n{shown}\n\nWrite {count} new texts of the same class.',
        },
    ]


def pairs_from(document: str, count: int) -> list[dict[str, str]]:
    """The question for `count` questions with answers that a document holds."""
    return [
        {
            "role": "system",
            "content": "You write questions that a reader would ask, and answers that the document alone supports. "
            'Answer with a JSON list of objects {"question": …, "answer": …} and nothing else.',
        },
        {
            "role": "user",
            "content": f"Document:\n{document[:LONGEST]}\n\nWrite {count} questions with answers.",
        },
    ]


def texts_in(answer: str) -> list[str]:
    """The texts of an answer: a JSON list of strings (also inside a code fence); else its lines without bullets."""
    found = _json_list(answer)
    if found is not None:
        return [text.strip() for text in found if isinstance(text, str) and text.strip()]
    lines = (line.strip().lstrip("-*•0123456789.) \t").strip() for line in answer.splitlines())
    return [line for line in lines if len(line) > 1 and not line.startswith(FENCE)]


def pairs_in(answer: str) -> list[tuple[str, str]]:
    """(question, answer) pairs of an answer; what has another shape is left out."""
    found = _json_list(answer) or []
    pairs = [(each.get("question"), each.get("answer")) for each in found if isinstance(each, Mapping)]
    return [
        (q.strip(), a.strip())
        for q, a in pairs
        if isinstance(q, str) and isinstance(a, str) and q.strip() and a.strip()
    ]


def _json_list(answer: str) -> list[Any] | None:
    start, end = answer.find("["), answer.rfind("]")
    if not 0 <= start < end:
        return None
    try:
        found = json.loads(answer[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None
