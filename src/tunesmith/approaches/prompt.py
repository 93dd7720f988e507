"""The base, or a model behind an endpoint, as it is: it is asked, alone or after examples, and nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import machine
from tunesmith.approaches import _filling
from tunesmith.approaches._speakers import Informed, Turns, behind, exchanges, question
from tunesmith.approaches._tuned import untuned
from tunesmith.bases import Base
from tunesmith.events import Event, Note
from tunesmith.inputs.nearest import Nearest
from tunesmith.parts import Approach, Codec, Job, Speaker, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

START_SECONDS = 5.0  # to load a base
ROWS_PER_SECOND = 20_000.0  # of questions that are indexed


class Prompt(Approach):
    """Without shots what every tuned model is compared with; with them the training rows nearest to each question
    stand before it, question and answer (in-context learning; nearest examples help most: Liu et al. 2022)."""

    refits: ClassVar = False
    based: ClassVar = True
    library: ClassVar = "torch"
    shots: int = Field(0, ge=0, description="training rows that stand before the question as examples")
    endpoint: str = Field(
        "",
        description="address of a server up to and with /v1; '' asks the local base, unless `model` is set",
    )
    model: str = Field("", description="the name that the server knows")
    price_read: float | None = Field(
        None, ge=0, description="money for a million tokens that the server reads; unknown where absent"
    )
    price_written: float | None = Field(
        None, ge=0, description="money for a million tokens that the server writes; unknown where absent"
    )

    def serves(self, task: Task) -> bool:
        """Examples and endpoints need rows that ask something."""
        asks = task.content == "chat"
        return task.predicts == "text" and (asks or not (self.shots or self.remote))

    @property
    def remote(self) -> bool:
        """Whether a server is asked."""
        return bool(self.endpoint or self.model)

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {"train.threads": recipe.train.threads or machine.usual_threads()}

    def seconds(self, job: Job, *, probe: bool) -> float:
        return START_SECONDS + bool(self.shots) * len(job.train) / ROWS_PER_SECOND

    def shorter(self, recipe: Recipe, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        pairs = exchanges(job) if self.shots else []
        if self.shots and len(pairs) < self.shots:
            yield Note(
                f"{len(pairs):,} training rows can be examples; {self.shots} are wanted for each question"
            )
        files.write_json(job.model / "prompt.json", {"examples": [pair[:2] for pair in pairs]})
        if self.shots:
            Nearest.of([asked for asked, _, _ in pairs]).save(job.model)
        yield from ()

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Speaker:
        inner = (
            behind(self, codec)
            if self.remote
            else _filling.spoken(untuned(folder, task, codec, base, recipe), task, codec)
        )
        if not self.shots:
            return inner
        return Informed(inner, _Examples(folder, self.shots), folder)


class _Examples:
    """Puts the nearest examples between what the system says and the conversation, the nearest last."""

    def __init__(self, folder: Path, shots: int) -> None:
        self._pairs = files.read_json(folder / "prompt.json")["examples"]
        self._index, self._shots = Nearest.load(folder), shots

    def __call__(self, turns: Turns) -> tuple[Turns, tuple[str, ...]]:
        near = self._index.search(question(turns), self._shots)
        others = (place for place in range(len(self._pairs)) if place not in near)
        picked = [*near, *islice(others, self._shots - len(near))]  # unlike ones still show what is wanted
        head = sum(1 for _ in takewhile(lambda turn: turn["role"] in ("system", "developer"), turns))
        shown = [turn for place in reversed(picked) for turn in _turns(*self._pairs[place])]
        return [*turns[:head], *shown, *turns[head:]], ()


def _turns(asked: str, said: str) -> list[dict[str, Any]]:
    """An example as turns that are not learnt."""
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": said, "weight": 0}]
