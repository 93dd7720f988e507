"""Talks with models that answer in words: one, or two side by side on the same questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from tunesmith import catalog, lifecycle
from tunesmith.bases import resolve
from tunesmith.errors import UsageError
from tunesmith.model import Model
from tunesmith.outcomes import Answer
from tunesmith.parts import Piece, Prompt, Speaker, Wish
from tunesmith.serve import asking

BASE = "base"  # what `vs` calls the model from which the first one was tuned


@dataclass
class Talk:
    """One model, and what was said so far; a model that reads texts remembers nothing.

    system: what stands before the first question, '' for nothing.
    """

    model: Model
    system: str = ""
    turns: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def speaker(self) -> Speaker:
        """What answers."""
        return asking.speaker(self.model)

    def forget(self) -> None:
        """Begin anew."""
        self.turns.clear()

    def ask(self, question: str, wish: Wish) -> Iterator[Piece]:
        """The answer, piece by piece; it is remembered as far as it was heard."""
        said: list[str] = []
        with closing(cast(Any, self.speaker.stream(self._prompt(question), wish))) as pieces:
            try:
                for piece in pieces:
                    said.append(piece.text)
                    yield piece
            finally:
                asked = {"role": "user", "content": question}
                self.turns += [asked, {"role": "assistant", "content": "".join(said)}]

    def _prompt(self, question: str) -> Prompt:
        if all(each.kind != "messages" for each in self.model.task.fields):
            return f"{self.system}\n{question}" if self.system else question
        first = [{"role": "system", "content": self.system}] if self.system else []
        return [*first, *self.turns, {"role": "user", "content": question}]


def talks(ref: str, *, vs: str = "", system: str = "", home: Path | str | None = None) -> list[Talk]:
    """The model, and beside it the one it is compared with ('base': what it was tuned from).

    Raises UsageError C137 for a model that says labels, C138 for one without a base.
    """
    first = _spoken(lifecycle.open_model(ref, home))
    if not vs:
        return [Talk(first, system)]
    other = base_of(first) if vs == BASE else _spoken(lifecycle.open_model(vs, home))
    return [Talk(first, system), Talk(other, system)]


def base_of(model: Model) -> Model:
    """The base of a model, asked in the frame that the model learnt.  Raises UsageError C138."""
    recipe = model.recipe
    based = catalog.part("approach", recipe.approach.name).based
    if not based or recipe.approach.name == "prompt":
        raise UsageError(
            "C138",
            f"{model.name} ({recipe.approach.name}) has no base that differs from it",
            expected="a model that was tuned from a base",
            fixes=(f"tunesmith chat {model.name} --vs OTHER", "tunesmith models ls"),
            where="--vs",
        )
    plain = recipe.model_copy(update={"approach": type(recipe.approach)(name="prompt")})
    approach = catalog.make("approach", plain.approach)
    predictor = approach.open(model.folder / "model", model.task, model.codec, resolve(recipe.base), plain)
    return replace(model, predictor=predictor, recipe=plain, name=BASE)


def _spoken(model: Model) -> Model:
    if model.task.predicts != "text":
        raise UsageError(
            "C137",
            f"{model.name} predicts a {model.task.predicts}",
            expected="a model that answers in words",
            fixes=(f"tunesmith predict {model.name} -", "tunesmith models ls"),
            where=model.name,
        )
    return model


def answers(talks: Sequence[Talk], question: str, wish: Wish) -> Iterator[tuple[int, Piece]]:
    """(number of the talk, its next piece): the models go on in turns, so both can be read while they write."""
    going = [(number, talk.ask(question, wish)) for number, talk in enumerate(talks)]
    try:
        while going:
            for entry in list(going):
                piece = next(entry[1], None)
                if piece is None:
                    going.remove(entry)
                else:
                    yield entry[0], piece
    finally:
        for _, stream in going:
            cast(Any, stream).close()


def whole(pieces: Sequence[Piece]) -> Answer:
    """An answer from its pieces."""
    said = asking.spoken(pieces)
    sources = pieces[-1].sources
    return Answer(said["text"], said["tokens"], said["stopped"], said["logprob"], sources=sources)
