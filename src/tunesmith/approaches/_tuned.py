"""A network as a predictor: as its base is, or as it was tuned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from tunesmith import catalog, doors
from tunesmith.advise import shapes
from tunesmith.bases import Base
from tunesmith.errors import IntegrityError
from tunesmith.fields import Record
from tunesmith.inputs import speaking
from tunesmith.parts import (
    Codec,
    Job,
    Net,
    NeuralTask,
    Origin,
    Output,
    Piece,
    Prompt,
    Speaker,
    Task,
    Tensor,
    Tuning,
    Wish,
)
from tunesmith.recipe.sections import Recipe
from tunesmith.train.engine import local


class Networked(Speaker):
    """Answers of a network of a task; it speaks where its task does.

    base: the network that it hangs on, kept for others that do.
    """

    def __init__(self, net: Net, task: NeuralTask, codec: Codec, base: Net | None = None) -> None:
        self.net, self.base, self._task, self._codec = net, base, task, codec
        self.held = _held(net, codec)

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return local.predict(self.net, self._task, self._codec, records, self._task.reply)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        self.net.eval()
        yield from speaking.stream(self.net, self._codec, prompt, wish)

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return len(speaking.asked(self._codec, prompt, wish))


def _held(net: Net, codec: Codec) -> int:
    """Bytes of a network's numbers and of the keys and values of one text that fills its window."""
    numbers = [*net.parameters(), *net.buffers()]
    size = shapes.dimensions(net.backbone.config.to_dict())
    each = 2 * size.layers * size.kv_heads * size.head_width * next(net.parameters()).element_size()
    return sum(number.nbytes for number in numbers) + codec.settings.get("window", 0) * each


def untuned(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Networked:
    """The network as its base is."""
    assert isinstance(task, NeuralTask)
    return Networked(_base_net(_job(folder, task, codec, base, recipe)), task, codec)


def tuned(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Networked:
    """The network that `tune` left in a folder.  Raises IntegrityError I304 where its delta does not fit.

    Networks whose tuning only adds to their base share it in memory.
    """
    assert isinstance(task, NeuralTask)
    tuning: Tuning = catalog.make("tuning", recipe.tuning)
    job = _job(folder, task, codec, base, recipe)
    try:
        return _attached(job, tuning) if tuning.adds and _shareable(job) else _alone(job, tuning)
    except ValueError as misfit:
        raise IntegrityError(
            "I304", str(misfit), expected="the delta of this recipe and base", where=str(folder)
        ) from None


def opened(origin: Origin) -> Networked:
    """The network of a model with weights of its own, as it answers."""
    about = (origin.folder / "model", origin.task, origin.codec, origin.base, origin.recipe)
    return untuned(*about) if origin.tuning is None else tuned(*about)


def _alone(job: Job, tuning: Tuning) -> Networked:
    net = local.build(job, tuning)
    tuning.load(net, _delta(job))
    return Networked(net, _neural(job), job.codec)


def _attached(job: Job, tuning: Tuning) -> Networked:
    base = _base_net(job)
    net = tuning.attach(base, _delta(job))
    # a base that was quantised beside itself is not worth keeping for others
    return Networked(net, _neural(job), job.codec, base if _shared(net, base) >= WORTH else None)


def _delta(job: Job) -> Mapping[str, Tensor]:
    return doors.open("safetensors.torch").load_file(job.folder / "delta.safetensors")


def _neural(job: Job) -> NeuralTask:
    assert isinstance(job.task, NeuralTask)
    return job.task


# ---- one base in memory ------------------------------------------------------------------------------------------

WORTH = 0.5  # share of a base's numbers that a network must have in common with it
# (weights, folder) of a base → the causal model as the base is, while any predictor hangs on it; nobody moves it
_BASES: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()


def _shareable(job: Job) -> bool:
    """Whether the network is the base's alone: a head that is new differs from seed to seed."""
    return job.base is not None and job.task.predicts == "text"


def _base_net(job: Job) -> Net:
    if not _shareable(job) or job.base is None:
        return local.network(job)
    key = (job.base.digest, str(job.base.folder))
    net = _BASES.get(key)
    if net is None:
        net = _BASES[key] = local.network(job)
    return net


def _shared(net: Net, base: Net) -> float:
    """The share of the base's numbers that a network has in the same place in memory."""
    mine = {p.data_ptr() for p in net.parameters()}
    sizes = [(p.numel(), p.data_ptr() in mine) for p in base.parameters()]
    return sum(size for size, same in sizes if same) / max(1, sum(size for size, _ in sizes))


def _job(folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Job:
    return Job(task, recipe, (), (), codec, base, folder, folder, seed=recipe.train.seed)
