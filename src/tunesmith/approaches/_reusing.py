"""Whether a run computes its frozen bottom once and reads it again: as the recipe says, where the network has one."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from tunesmith import doors
from tunesmith.errors import CapacityError, Interrupted
from tunesmith.events import Event, Note, Progress
from tunesmith.parts import Draw, Example, Job, Lesson, Net
from tunesmith.store import files
from tunesmith.train import frozen, prefix, references
from tunesmith.train.engine import local

SPARE = 0.5  # share of the free disk that one run may take
TRIED = 4  # examples on which it is tried whether the network can be cut
STAGE = "frozen layers"


def reusing(job: Job, net: Net, lesson: Lesson) -> Lesson:
    """The lesson, or one that reads what lies below the lowest layer that moves where the recipe wants that.

    A run of one epoch reads nothing twice, so by itself it keeps nothing.
    """
    mode = job.options.reuse
    if mode == "off" or not job.train or (mode == "auto" and job.options.epochs <= 1):
        return lesson
    from tunesmith.nn import prefix as cutting

    place = cutting.find(net)
    if place is None:
        return lesson
    return prefix.Reusing(lesson, cutting.Prefix(net, place), job.cache / "prefix")


def fill(job: Job, lesson: Lesson) -> Generator[Event, None, None]:
    """Compute the frozen bottom for every text of the run, or read it from the cache; say what came of it.

    Called once the network has the numbers with which it trains.  Whether dropout is on below the cut is decided by
    recipe and network alone; where the disk has no room, the same numbers are computed each time.
    """
    if not isinstance(lesson, prefix.Reusing):
        return
    examples = _examples(job, lesson)
    parts = list(references.batches(examples))
    width = _width(job, lesson, parts[len(parts) // 2][:TRIED]) if parts else None
    if width is None:
        lesson.below.remove()
        yield Note(
            "the frozen layers are computed each time: what the network reads can't be told apart there"
        )
    elif _pooled(job, lesson, examples):
        yield Note(_said(lesson))
    else:
        yield from _settled(job, lesson, examples, width)


def _settled(job: Job, lesson: prefix.Reusing, examples: Sequence[Example], width: int) -> Iterator[Event]:
    """A resumed run that began without a cache goes on so: numbers of other batches differ by rounding."""
    record = job.folder / "prefix.json"
    if job.resume and record.is_file() and not files.read_json(record)["stored"]:
        yield Note(_lacking("so it began"))
        return
    stored = yield from _stored(job, lesson, examples, width)
    files.write_json(record, {"stored": stored})


def _pooled(job: Job, lesson: prefix.Reusing, examples: Sequence[Example]) -> bool:
    """Whether all vectors stand in the frozen encoder's cache, where the head has been fitted on them, say."""
    torch, net = doors.open("torch"), lesson.below.net
    own = lesson.below.cut.pooled and next(net.backbone.parameters()).dtype == torch.float32
    if not own or job.base is None:
        return False
    known = frozen.Cache(job.cache, frozen.key(job.task, job.codec, job.base)).rows
    if any(each.row not in known for each in examples):
        return False
    for part in references.batches(examples):
        vectors = np.stack([known[each.row] for each in part])
        lesson.kept.add(lesson.collate(part, job.codec).tensors, torch.from_numpy(vectors))
    return True


def _examples(job: Job, lesson: Lesson) -> list[Example]:
    draw = Draw(job.seed, 0)
    asked = [(record, draw) for record in job.train] + [(record, None) for record in job.validation]
    found = [each for record, drawn in asked for each in lesson.encode(record, job.codec, drawn)]
    return list({id(each): each for each in found}.values())


def _width(job: Job, lesson: prefix.Reusing, part: Sequence[Example]) -> int | None:
    """Bytes of what is kept of a token (pooled: of a text).

    None where the network, cut, says something else than whole, or where the lesson asks it about other tokens than
    those of its batch (some of them hidden, say).
    """
    below = lesson.below
    batch = local.placed(lesson.collate(part, job.codec), below.net)
    found = list(prefix.texts(batch.tensors))
    try:
        told = [below.caught(of) for of in found]
        agreed = [below.agrees(of, states) for of, states in zip(found, told, strict=True)]
    except (ValueError, LookupError, RuntimeError, TypeError):  # a family that is more than a stack of layers
        return None
    if not found or not all(agreed):
        return None
    for of, states in zip(found, told, strict=True):
        below.give(of["ids"], states)
    before = below.hits
    with local.inference(below.net):
        lesson.predict(below.net, batch, job.codec)
    return told[0].element_size() * told[0].shape[-1] if below.hits > before else None


def _stored(
    job: Job, lesson: prefix.Reusing, examples: Sequence[Example], width: int
) -> Generator[Event, None, bool]:
    """Whether everything is in the cache."""
    below, begun, done = lesson.below, time.monotonic(), 0
    pooled = below.cut.pooled
    wanted = width * sum(1 if pooled else each.length for each in examples)
    free = SPARE * files.free_bytes(job.cache)
    if wanted > free:
        yield Note(
            _lacking(f"they need {wanted / 1e6:,.0f} MB, {free / 1e6:,.0f} MB may be taken"), "warning"
        )
        return False
    name = prefix.key(below)
    try:
        for parts in prefix.chunks(examples, width, pooled=pooled):
            batches = [lesson.collate(part, job.codec) for part in parts]
            yield from lesson.kept.chunk(name, batches, below)
            done += sum(map(len, parts))
            yield Progress(STAGE, done, len(examples), time.monotonic() - begun)
            _go_on(job)
    except CapacityError as refusal:
        lesson.kept.forget()
        yield Note(_lacking(refusal.found), "warning")
        return False
    yield Note(_said(lesson))
    return True


def _go_on(job: Job) -> None:
    if job.stop.is_set():
        raise Interrupted(
            "R130",
            "stopped before the first step",
            expected="resume to go on; what was computed of the frozen layers is kept",
            where=str(job.folder),
        )


def _said(lesson: prefix.Reusing) -> str:
    count, size, layers = len(lesson.kept), lesson.kept.bytes / 1e6, lesson.below.cut.layers
    what = f"the lowest {layers} layers" if layers > 1 else "the lowest layer"
    what = "all below the head" if lesson.below.cut.pooled else what
    return f"{what}: computed once for {count:,} texts, without dropout ({size:,.1f} MB)"


def _lacking(why: str) -> str:
    return f"the frozen layers are computed each time, without dropout: {why}"
