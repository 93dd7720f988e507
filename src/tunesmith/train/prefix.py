"""States of a network's frozen bottom, computed once for each text and kept by content hash.

A chunk is a sealed folder, named by everything that its numbers depend on: the bytes of the frozen tensors, the
network's configuration and modules, the cut, the libraries, and the texts in it.  So a changed byte, another cut,
number type or tokenizer never finds it, and processes that fill the same cache write the same chunks.  Which texts are
computed together is a function of the texts alone: a fill that was stopped and goes on ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunesmith import doors, machine
from tunesmith.events import Event
from tunesmith.parts import Batch, Codec, Example, Lesson, Net, Tensor
from tunesmith.store import files
from tunesmith.train import references

if TYPE_CHECKING:
    from tunesmith.nn.prefix import Prefix

CHUNK_BYTES = 32 << 20
BELOW = "below"  # beside `ids` in a batch: the states of these texts at the cut
_KEYS = "keys.json"

Texts = Mapping[str, Any]


def texts(tensors: Mapping[str, Any]) -> Iterator[Texts]:
    """Every mapping in a batch that a network reads texts from: it has `ids` and `mask` [R, T]."""
    if "ids" in tensors and "mask" in tensors:
        yield tensors
    for value in tensors.values():
        if isinstance(value, Mapping):
            yield from texts(value)


def keys(of: Texts) -> list[tuple[bytes, int]]:
    """(hash of all that a network is told of a text, its tokens) for each row; no tokens where padding is not last."""
    ids, mask = of["ids"].cpu().numpy(), of["mask"].cpu().numpy()
    more = [of[name].cpu().numpy() for name in ("positions", "blocks") if name in of]
    lengths = mask.sum(1)
    whole = (mask.cumsum(1)[range(len(mask)), lengths - 1] == lengths) & (lengths > 0)
    found = []
    for row, length in enumerate((lengths * whole).tolist()):
        told = hashlib.sha256(ids[row, :length].tobytes())
        for each in more:
            told.update(each[(row, *(slice(length),) * (each.ndim - 1))].tobytes())
        found.append((told.digest(), length))
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    chunk: np.ndarray  # [N, D] of a whole chunk, in a file that is mapped into memory; bfloat16 as int16
    first: int
    count: int


class Kept:
    """What is known of a cut network's texts.  folder: of all prefixes.  pooled: a text has one vector."""

    def __init__(self, folder: Path, *, pooled: bool) -> None:
        self._folder, self._pooled = folder, pooled
        self._rows: dict[bytes, _Place] = {}
        self._dtype: Any = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def bytes(self) -> int:
        """The size of what is known."""
        return sum(each.count * each.chunk[0].nbytes for each in self._rows.values())

    def forget(self) -> None:
        """Know nothing: every text is computed each time."""
        self._rows.clear()

    def states(self, of: Texts) -> Tensor | None:
        """The states of a batch's texts [R, T, D] (pooled: [R, D]), zeros at padding; None where one is not known."""
        found = [self._rows.get(name) for name, _ in keys(of)]
        if not found or any(each is None for each in found):
            return None
        known: list[_Place] = [each for each in found if each is not None]
        if self._pooled:
            made = np.stack([each.chunk[each.first] for each in known])
        else:
            one = known[0].chunk
            made = np.zeros((*of["ids"].shape, one.shape[1]), one.dtype)
            for row, each in enumerate(known):
                made[row, : each.count] = each.chunk[each.first : each.first + each.count]
        return doors.open("torch").from_numpy(made).view(self._dtype)

    def add(self, of: Texts, vectors: Tensor) -> None:
        """Know the vectors [R, D] of some texts, which somebody else keeps on disk."""
        chunk = self._mapped(vectors)
        self._rows |= {name: _Place(chunk, row, 1) for row, (name, count) in enumerate(keys(of)) if count}

    def _mapped(self, states: Tensor) -> np.ndarray:
        torch = doors.open("torch")
        self._dtype = states.dtype
        return (states.view(torch.int16) if states.element_size() == 2 else states).numpy()

    def chunk(self, key: str, parts: Sequence[Batch], below: Prefix) -> Generator[Event, None, None]:
        """Know the texts of some batches: read from disk, or computed batch by batch and kept.

        key: as `key` below gives it.  Raises CapacityError where the disk has no room.
        """
        named = [(of, keys(of)) for part in parts for of in texts(part.tensors)]
        order = list(dict.fromkeys(each for _, some in named for each in some if each[1]))
        about = [[name.hex(), count] for name, count in order]
        name = hashlib.sha256(files.canonical_json([key, about])).hexdigest()[:40]

        def make() -> Generator[Event, None, Mapping[str, Tensor]]:
            yield from ()
            return {"states": self._computed(named, order, below)}

        folder = self._folder / name[:2] / name
        yield from references.kept(folder, make, {_KEYS: {"texts": about}})
        # read again, so that the numbers lie in the file and not in memory
        made = doors.open("safetensors.torch").load_file(folder / references.TENSORS)
        chunk, first = self._mapped(made["states"]), 0
        for each, count in order:
            size = 1 if self._pooled else count
            self._rows[each] = _Place(chunk, first, size)
            first += size

    def _computed(
        self, named: Sequence[tuple[Texts, list[tuple[bytes, int]]]], order: Sequence[Any], below: Prefix
    ) -> Tensor:
        from tunesmith.nn import device

        torch, found = doors.open("torch"), {}
        for of, some in named:
            states = below.caught(device.moved(of, below.net)).cpu()
            for row, (name, count) in enumerate(some):
                found.setdefault(name, states[row : row + 1] if self._pooled else states[row, :count])
        return torch.cat([found[name] for name, _ in order])


def key(below: Prefix) -> str:
    """SHA-256 of all that the states of a text depend on beside the text."""
    from tunesmith.nn import device, prefix

    torch, net = doors.open("torch"), below.net
    about = [below.cut.layers, below.cut.pooled, getattr(net, "pooling", ""), machine.versions()]
    about += [str(net.backbone.config._attn_implementation), torch.get_float32_matmul_precision()]
    about += [torch.backends.cpu.get_cpu_capability(), device.of(net).type, below.kinds]
    return references.digest(net, prefix.below(net, below.cut), json.dumps(about, sort_keys=True))


def chunks(examples: Sequence[Example], width: int, *, pooled: bool) -> Iterator[list[list[Example]]]:
    """Batches of like length, so many in a chunk as fill it.  width: bytes of a token's states (pooled: a text's)."""
    part, size = [], 0
    for batch in references.batches(examples):
        part.append(batch)
        size += width * (len(batch) if pooled else sum(each.length for each in batch))
        if size >= CHUNK_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


class Reusing:
    """A lesson whose batches carry the states of their texts at the cut, where they are known."""

    early: ClassVar[tuple[str, ...]] = ()  # the lesson itself judges

    def __init__(self, lesson: Lesson, below: Prefix, folder: Path) -> None:
        self.below, self.kept = below, Kept(folder, pooled=below.cut.pooled)
        self._lesson = lesson
        self.encode, self.decode, self.outcomes = lesson.encode, lesson.decode, lesson.outcomes

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """The lesson's batch."""
        batch = self._lesson.collate(examples, codec)
        return Batch(self._filled(batch.tensors), batch.rows, batch.counts, batch.owner)

    def _filled(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            name: self._filled(each) if isinstance(each, Mapping) else each for name, each in tensors.items()
        }
        if "ids" in made and "mask" in made and (states := self.kept.states(made)) is not None:
            made[BELOW] = states
            self.below.give(made["ids"], states)
        return made

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        """The lesson's loss."""
        self._give(batch)
        return self._lesson.loss(net, batch)

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Any]:
        """What the lesson predicts."""
        self._give(batch)
        return self._lesson.predict(net, batch, codec)

    def _give(self, batch: Batch) -> None:
        """A batch that was moved to another device has tensors of its own."""
        for of in texts(batch.tensors):
            if BELOW in of:
                self.below.give(of["ids"], of[BELOW])
