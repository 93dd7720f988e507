"""One model being served: what it is, its limits, and whether its golden rows came out as they should."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from tunesmith import doors
from tunesmith.fields import Record
from tunesmith.http.metrics import Metrics
from tunesmith.model import Model
from tunesmith.parts import Prediction
from tunesmith.serve.batching import Batcher
from tunesmith.serve.limits import Limits, refusal
from tunesmith.serve.parity import disagrees, golden_texts, input_field


@dataclass
class Service(ABC):
    """One model being served.

    alias: a further name that it answers to.  problems: None until the golden rows were asked, then what they did not
    repeat.
    """

    model: Model
    limits: Limits
    metrics: Metrics
    created: int
    alias: str = ""
    problems: list[str] | None = field(default=None, init=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What requests may call it."""
        short = self.model.name.partition("@")[0]
        return tuple(dict.fromkeys(name for name in (self.alias, self.model.name, short) if name))

    @property
    def about(self) -> str:
        """What every answer's header says."""
        return f"{self.model.name}; digest={self.model.digest}"

    @final
    def check_ready(self) -> None:
        """Raises CapacityError V115 while the golden rows are asked, IntegrityError V404 if they disagree."""
        if self.problems is None:
            raise refusal("V115", "the model is being checked", fixes=("ask again in a second",))
        if self.problems:
            raise disagrees(self.problems)

    @final
    async def warm(self) -> None:
        """Ask the golden rows: as the library answered them, or not ready."""
        try:
            self.problems = await self.proof()
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong here means: not ready
            self.problems = [f"{type(failure).__name__}: {failure}"]

    @abstractmethod
    async def proof(self) -> list[str]:
        """How the answers to the golden rows differ from the bundle's."""

    @abstractmethod
    def examples(self) -> list[str]:
        """Inputs of golden rows, as plain text, for the page at /docs."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """What waits for this model."""

    @abstractmethod
    def retry_after(self) -> int:
        """Whole seconds in which what waits should be worked off."""

    @abstractmethod
    def close(self) -> None:
        """Take nothing more, finish what is here."""


@dataclass
class Classifying(Service):
    """A model that says labels.  The golden rows always fit into one request and one batch."""

    golden: list[str] = field(init=False)
    batcher: Batcher = field(init=False)

    def __post_init__(self) -> None:
        self.golden, options = golden_texts(self.model), self.model.recipe.serve
        self.limits = self.limits.covering(self.golden)
        self.batcher = Batcher(self.model, max(options.max_batch, len(self.golden)), options.max_queue)

    async def answer(self, texts: Sequence[str], where: str) -> list[Prediction]:
        """Predictions through the queue.  Raises V102, V104, V105, V113, V114, V115, V404."""
        self.check_ready()
        self.limits.check_texts(texts, where)
        predictions = await asyncio.wrap_future(self.batcher.submit(texts))
        self.metrics.texts.inc(len(predictions))
        self.metrics.abstained.inc(sum(prediction.abstain for prediction in predictions))
        return predictions

    async def proof(self) -> list[str]:
        predictions = await asyncio.wrap_future(self.batcher.submit(self.golden))
        return self.model.parity([p.to_json() for p in predictions], exact=True)

    def examples(self) -> list[str]:
        return self.golden

    def tokens(self, texts: Sequence[str]) -> int:
        """Tokens that the model reads of the texts; 0 for models that read characters and words."""
        model = self.model
        if not (model.codec.files and doors.has("tokenizers")):
            return 0
        records = (Record({input_field(model): text}) for text in texts)
        return sum(example.length for r in records for example in model.task.encode(r, model.codec, None))

    @property
    def depth(self) -> int:
        return self.batcher.depth

    def retry_after(self) -> int:
        return self.batcher.retry_after()

    def close(self) -> None:
        self.batcher.close()
