"""Whether a run computes its activations again: as the recipe says, else where they would not fit into memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from tunesmith import catalog
from tunesmith.advise import estimate, machines, room, sizes
from tunesmith.advise.estimate import Question, Rows
from tunesmith.advise.moving import Moving, moving
from tunesmith.advise.shapes import Shape
from tunesmith.errors import UsageError
from tunesmith.events import Event, Found, Note
from tunesmith.fields import Record
from tunesmith.parts import Draw, Job, Lesson, Net
from tunesmith.store import files

SAMPLE = 200  # rows by which the others' lengths are judged, beside the longest
LONGEST = 4  # batches of rows with the most characters, among which the longest in tokens is looked for


def enabled(job: Job, net: Net, lesson: Lesson) -> Iterator[Event]:
    """Let the net compute activations again where that is wanted, and say why.

    Raises UsageError C170 where it is asked for and the net has no stack of layers.
    """
    mode = job.options.checkpointing
    if mode == "on":
        yield Note("activations are computed again: the recipe says so")
    elif mode == "off" or not (yield from _needed(job, net, lesson)):
        return
    from tunesmith.nn import checkpointing

    try:
        checkpointing.enable(net)
    except ValueError as misfit:
        raise UsageError(
            "C170",
            f"activations can't be computed again: {misfit}",
            expected="a base that is a stack of layers",
            fixes=("--set train.checkpointing=off",),
            where="train.checkpointing",
        ) from None


def _needed(job: Job, net: Net, lesson: Lesson) -> Generator[Event, None, bool]:
    """Decided once a run: a resumed one does as it began."""
    record = job.folder / "checkpointing.json"
    if job.resume and record.is_file():
        return bool(files.read_json(record)["on"])
    if job.base is None or not job.train:
        return False
    found = settled(job, net, lesson, room.free(_device(net)))
    files.write_json(record, found.to_json())
    if found.on:
        yield Found(found.finding())
    return found.on


def settled(job: Job, net: Net, lesson: Lesson, free: float) -> room.Settled:
    """What the planner says of a job on a base.  free: bytes that its process may have."""
    assert job.base is not None
    shape = sizes.shape(job.base.config, decoder=False if job.task.classifies else None)
    kind = "cpu" if _device(net) == "cpu" else "gpu"
    moves = _moving(job, net, shape)
    asked = Question(job.recipe, shape, _rows(job, lesson), lambda _: moves, kept=0)
    # how fast the machine is does not matter: the number type is settled when this is asked
    here = machines.here(machines.Speeds(1.0, 1.0)).model_copy(update={"kind": kind})
    return room.settled(estimate.kept(asked, here, job.recipe), "auto", free * room.USABLE[kind])


def _device(net: Net) -> str:
    return next(net.parameters()).device.type


def _moving(job: Job, net: Net, shape: Shape) -> Moving:
    """By the formula; a tuning that has none counts as one that reaches every map of every layer."""
    classes = len(job.codec.settings.get("labels", ()))
    part = catalog.make("tuning", job.recipe.tuning).model_dump()
    found = moving(shape, job.recipe.tuning.name, part, classes)
    if found:
        return found
    moves = sum(p.numel() for p in net.parameters() if p.requires_grad)
    places = frozenset(range(len(shape.matrices)))
    return Moving(whole=0, added=moves, top=0, reach=shape.layers, adapted=places)


def _rows(job: Job, lesson: Lesson) -> Rows:
    """Lengths of the longest rows, and of the others as a sample has them."""
    texts = [
        job.task.text(record)
        for record in map(catalog.make("objective", job.recipe.objective).shown, job.train)
    ]
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))[: LONGEST * job.options.batch_size]
    some = range(0, len(texts), max(1, len(texts) // SAMPLE))
    long, sample = (_encoded([job.train[row] for row in rows], job, lesson) for rows in (order, some))
    lengths = [length for length, _ in sample]
    rest = (lengths * -(-len(texts) // max(1, len(some))))[: len(texts)] if lengths else []
    learnt = sum(count for _, count in long) / max(1, sum(length for length, _ in long))
    return Rows([*(length for length, _ in long), *rest], learnt, 0, 2, "tokenizer")


def _encoded(rows: Sequence[Record], job: Job, lesson: Lesson) -> list[tuple[int, int]]:
    """(tokens, how many of them are learnt) of each example."""
    draw = Draw(job.seed, 0)
    return [
        (each.length, sum(weight > 0 for weight in each.values.get("weights", ())))
        for row in rows
        for each in lesson.encode(row, job.codec, draw)
    ]
