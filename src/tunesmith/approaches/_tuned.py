"""A tuned network as a predictor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith import catalog, doors
from tunesmith.bases import Base
from tunesmith.errors import IntegrityError
from tunesmith.fields import Record
from tunesmith.inputs import speaking
from tunesmith.parts import Codec, Job, NeuralTask, Output, Piece, Prompt, Speaker, Task, Tuning, Wish
from tunesmith.recipe.sections import Recipe
from tunesmith.train.engine import local


class Tuned(Speaker):
    """The network of a folder that `tune` left; it speaks where its task does."""

    def __init__(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> None:
        assert isinstance(task, NeuralTask)
        self._task, self._codec = task, codec
        job = Job(task, recipe, (), (), codec, base, folder, folder, seed=recipe.train.seed)
        tuning: Tuning = catalog.make("tuning", recipe.tuning)
        self.net = local.build(job, tuning)
        try:
            tuning.load(self.net, doors.open("safetensors.torch").load_file(folder / "delta.safetensors"))
        except ValueError as misfit:
            raise IntegrityError(
                "I304", str(misfit), expected="the delta of this recipe and base", where=str(folder)
            ) from None

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return local.predict(self.net, self._task, self._codec, records, self._task.reply)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        with local.inference(self.net):
            yield from speaking.stream(self.net, self._codec, prompt, wish)

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return len(speaking.asked(self._codec, prompt, wish))
