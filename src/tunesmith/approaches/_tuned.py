"""A network as a predictor: as its base is, or as it was tuned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith import catalog, doors
from tunesmith.bases import Base
from tunesmith.errors import IntegrityError
from tunesmith.fields import Record
from tunesmith.inputs import speaking
from tunesmith.parts import Codec, Job, Net, NeuralTask, Output, Piece, Prompt, Speaker, Task, Tuning, Wish
from tunesmith.recipe.sections import Recipe
from tunesmith.train.engine import local


class Networked(Speaker):
    """Answers of a network of a task; it speaks where its task does."""

    def __init__(self, net: Net, task: NeuralTask, codec: Codec) -> None:
        self.net, self._task, self._codec = net, task, codec

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return local.predict(self.net, self._task, self._codec, records, self._task.reply)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        self.net.eval()
        yield from speaking.stream(self.net, self._codec, prompt, wish)

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return len(speaking.asked(self._codec, prompt, wish))


def untuned(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Networked:
    """The network as its base is."""
    assert isinstance(task, NeuralTask)
    return Networked(local.network(_job(folder, task, codec, base, recipe)), task, codec)


def tuned(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Networked:
    """The network that `tune` left in a folder.  Raises IntegrityError I304 where its delta does not fit."""
    assert isinstance(task, NeuralTask)
    tuning: Tuning = catalog.make("tuning", recipe.tuning)
    net = local.build(_job(folder, task, codec, base, recipe), tuning)
    try:
        tuning.load(net, doors.open("safetensors.torch").load_file(folder / "delta.safetensors"))
    except ValueError as misfit:
        raise IntegrityError(
            "I304", str(misfit), expected="the delta of this recipe and base", where=str(folder)
        ) from None
    return Networked(net, task, codec)


def _job(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Job:
    return Job(task, recipe, (), (), codec, base, folder, folder, seed=recipe.train.seed)
