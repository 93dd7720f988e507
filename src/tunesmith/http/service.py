"""One model being served: its queue, its limits, and whether its golden rows came out as they should."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tunesmith import doors
from tunesmith.fields import Record
from tunesmith.http.metrics import Metrics
from tunesmith.model import Model
from tunesmith.parts import Prediction
from tunesmith.serve.batching import Batcher
from tunesmith.serve.limits import Limits, refusal
from tunesmith.serve.parity import disagrees, input_field


@dataclass
class Service:
    """One model being served.

    problems: None until the golden rows were asked, then what they did not repeat.
    """

    model: Model
    golden: list[str]
    batcher: Batcher
    limits: Limits
    metrics: Metrics
    created: int
    problems: list[str] | None = field(default=None)

    async def answer(self, texts: Sequence[str], where: str) -> list[Prediction]:
        """Predictions through the queue.  Raises V102, V104, V105, V113, V114, V115, V404."""
        self.check_ready()
        self.limits.check_texts(texts, where)
        predictions = await asyncio.wrap_future(self.batcher.submit(texts))
        self.metrics.texts.inc(len(predictions))
        self.metrics.abstained.inc(sum(prediction.abstain for prediction in predictions))
        return predictions

    def check_ready(self) -> None:
        """Raises CapacityError V115 while the golden rows are asked, IntegrityError V404 if they disagree."""
        if self.problems is None:
            raise refusal("V115", "the model is being checked", fixes=("ask again in a second",))
        if self.problems:
            raise disagrees(self.problems)

    async def warm(self) -> None:
        """Ask the golden rows together, as the library did: equal to the last bit, or not ready."""
        try:
            predictions = await asyncio.wrap_future(self.batcher.submit(self.golden))
            self.problems = self.model.parity([p.to_json() for p in predictions], exact=True)
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong here means: not ready
            self.problems = [f"{type(failure).__name__}: {failure}"]

    def tokens(self, texts: Sequence[str]) -> int:
        """Tokens that the model reads of the texts; 0 for models that read characters and words."""
        model = self.model
        if not (model.codec.files and doors.has("tokenizers")):
            return 0
        records = (Record({input_field(model): text}) for text in texts)
        return sum(example.length for r in records for example in model.task.encode(r, model.codec, None))
