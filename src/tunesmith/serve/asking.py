"""The questions by which a model that answers in words is proven: its golden rows, as anyone would ask them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from tunesmith.fields import Record
from tunesmith.inputs import speaking
from tunesmith.model import Model, compare
from tunesmith.parts import Piece, Prompt, Speaker, Wish

BEGINNING = 60  # characters of a plain text from which a model goes on, where its rows ask nothing
USUAL = 128  # tokens of an answer where the codec does not say


class Asks(Protocol):
    """A task whose rows ask for an answer."""

    def prompt(self, record: Record) -> Prompt | None:
        """What the model is asked, None where no answer is wanted."""
        ...


@dataclass(frozen=True)
class Question:
    """What is asked, how, and what must be said."""

    prompt: Prompt
    wish: Wish
    answer: Mapping[str, Any]


def speaker(model: Model) -> Speaker:
    """The model's predictor, which answers in words."""
    assert isinstance(model.predictor, Speaker)
    return model.predictor


def usual_tokens(model: Model) -> int:
    """Tokens of an answer as the model was measured with."""
    return int(model.codec.settings.get("answer_tokens", USUAL))


def questions(model: Model) -> list[Question]:
    """The golden rows as questions.  Rows that ask nothing are gone on from, against what the speaker itself says."""
    task, found = cast(Asks, model.task), []
    for row in model.golden():
        record = Record(row["fields"])
        wish = Wish(max_tokens=usual_tokens(model), tools=record.fields.get("tools"))
        prompt = task.prompt(record)
        if prompt is None:
            prompt = model.task.text(record)[:BEGINNING]
            row = spoken(list(speaker(model).stream(prompt, wish)))
        found.append(Question(prompt, wish, row))
    return found


def spoken(pieces: Sequence[Piece]) -> dict[str, Any]:
    """An answer in pieces, as `Answer.to_json` has it."""
    tokens = [piece for piece in pieces if piece.token >= 0]
    return {
        "text": "".join(piece.text for piece in pieces),
        "tokens": len(tokens),
        "stopped": pieces[-1].end == "stop",
        "logprob": sum(piece.logprob for piece in tokens) if tokens else None,
    }


def spelled(model: Model, piece: Piece) -> str:
    """What a piece's token says by itself."""
    known = piece.token >= 0 and speaking.TOKENIZER in model.codec.files
    return speaking.spelled(model.codec, piece.token) if known else piece.text


def compared(model: Model, questions: Sequence[Question], answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each question that is not answered as it must be: words equal, numbers within the tolerance."""
    if not questions:
        return ["the bundle has no golden rows"]
    return compare([each.answer for each in questions], answers, exact=False, keys=model.promised)


def records(model: Model) -> list[Record]:
    """The golden rows as records."""
    return [Record(row["fields"]) for row in model.golden()]
