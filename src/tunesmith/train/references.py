"""What is computed once, before the first step, from the net as a run begins: kept in the cache by content hash.

Reference log-probabilities, Fisher information and a teacher's logits depend on weights, rows and how rows become
tokens, and on nothing else.  A resumed run and other runs read them again; where they are gone they are made again with
the same bits.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.errors import IntegrityError
from tunesmith.events import Event, Note, Progress
from tunesmith.parts import Codec, Example, Net, Tensor
from tunesmith.store import files

TOGETHER = 4096  # padded tokens that are computed at once
TENSORS = "tensors.safetensors"

Made = Mapping[str, Tensor]


def weights_digest(net: Net) -> str:
    """SHA-256 of everything that a net computes by: names, types and bytes of its tensors, and its configuration."""
    return digest(net, sorted(net.state_dict().items()))


def digest(net: Net, tensors: Iterable[tuple[str, Tensor]], about: str = "") -> str:
    """SHA-256 of a net's configuration, of some of its tensors (names, types and bytes), and of what else is said."""
    torch, found = doors.open("torch"), hashlib.sha256()
    found.update(net.backbone.config.to_json_string().encode())
    found.update(about.encode())
    for name, tensor in tensors:
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def codec_digest(codec: Codec) -> str:
    """SHA-256 of what turns rows into tokens: template, window, tokenizer and the like."""
    contents = {name: hashlib.sha256(content).hexdigest() for name, content in codec.files.items()}
    return hashlib.sha256(files.canonical_json([codec.settings, contents])).hexdigest()


def key(net: Net, codec: Codec, rows: Sequence[str], **more: Any) -> str:
    """The name under which something made of a net and rows is kept.  more: whatever else it depends on."""
    depends = [weights_digest(net), codec_digest(codec), sorted(rows), more]
    return hashlib.sha256(files.canonical_json(depends)).hexdigest()[:40]


def kept(
    folder: Path, make: Callable[[], Generator[Event, None, Made]], notes: Mapping[str, Any] | None = None
) -> Generator[Event, None, Made]:
    """The tensors of a sealed folder of the cache, made and sealed where there is none; a damaged one is set aside.

    notes: name → JSON value of further files that are written beside the tensors.
    """
    if folder.is_dir():
        try:
            files.verify(folder)
            return doors.open("safetensors.torch").load_file(folder / TENSORS)
        except IntegrityError as damage:
            aside = files.set_aside(folder, "damaged")
            yield Note(f"{damage.found}; set aside as {aside.name} and computed again", "warning")
    made = yield from make()
    staging = files.make_folder(folder.with_name(f".{folder.name}.{secrets.token_hex(4)}"))
    tensors = {name: tensor.cpu().contiguous() for name, tensor in made.items()}
    try:
        _write(staging, tensors, notes or {})
        files.move_folder(staging, folder)
    except BaseException:  # a full disk, or Ctrl-C: what is half written takes no room
        files.remove(staging)
        raise
    return tensors


def _write(folder: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
    save_file = doors.open("safetensors.torch").save_file
    files.write_with(folder / TENSORS, lambda path: save_file(dict(tensors), path))
    for name, note in notes.items():
        files.write_json(folder / name, note)
    files.seal(folder)


def batches(examples: Sequence[Example], budget: int = TOGETHER) -> Iterator[list[Example]]:
    """Examples of like length together.  Which ones is a function of the examples alone, whatever their order."""
    part: list[Example] = []
    for example in sorted(examples, key=lambda each: (each.length, each.row)):
        if part and (len(part) + 1) * example.length > budget:
            yield part
            part = []
        part.append(example)
    if part:
        yield part


def each_row(
    stage: str, examples: Sequence[Example], compute: Callable[[list[Example]], Tensor]
) -> Generator[Event, None, Made]:
    """{'values': [N, K]} for the examples in the order of their keys.  compute: examples → [B, K]; no gradient."""
    torch, begun, done = doors.open("torch"), time.monotonic(), 0
    place = {row: index for index, row in enumerate(sorted(example.row for example in examples))}
    values = torch.zeros(len(place), 0)
    for part in batches(examples):
        with torch.no_grad():
            found = compute(part).float().cpu()
        values = values if values.shape[1] else torch.zeros(len(place), found.shape[1])
        values[[place[example.row] for example in part]] = found
        done += len(part)
        yield Progress(stage, done, len(examples), time.monotonic() - begun)
    return {"values": values}


def by_row(rows: Sequence[str], made: Made) -> dict[str, Any]:
    """What `each_row` made, by row key: numpy arrays [K]."""
    values = made["values"].numpy()
    return {row: values[index] for index, row in enumerate(sorted(set(rows)))}


def as_it_is(net: Net) -> AbstractContextManager[None]:
    """No dropout inside; what was on before is on again afterwards."""
    from tunesmith.nn import dropouts

    return dropouts.at_rest(net)
