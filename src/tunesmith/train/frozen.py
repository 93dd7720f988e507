"""Vectors of a frozen encoder, computed once for each row and kept by content hash."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import doors, machine
from tunesmith.bases import Base
from tunesmith.events import Event, Progress
from tunesmith.fields import Record
from tunesmith.inputs import heads
from tunesmith.parts import Codec, Job, NeuralTask, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files
from tunesmith.train.engine import local

STRENGTH = 0.03  # of the L2 penalty's inverse: the best out of fold on banking77
CHUNK = 512  # rows between two progress events, and rows of one cache file


class Encoder:
    """The frozen encoder: records → float32 vectors [D].  key: what its vectors depend on besides the row."""

    def __init__(self, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> None:
        if not isinstance(task, NeuralTask):
            raise TypeError(f"{type(task).__name__} has no network: `Approach.serves` says so")
        self._task, self._codec = task, codec
        machine.set_threads(recipe.train.threads)
        # a frozen section is hashable, which pydantic's type does not tell
        self._net = _loaded(task, base, codec.files["tokenizer.json"])  # pyright: ignore[reportArgumentType]
        self.held = sum(each.nbytes for each in (*self._net.parameters(), *self._net.buffers()))
        self.key = key(task, codec, base)

    def vectors(self, records: Sequence[Record]) -> np.ndarray:
        """[B, D]"""
        found = local.predict(self._net, self._task, self._codec, records, self._task.embed)
        return np.stack([np.mean(vectors, axis=0) for vectors in found]).astype(np.float32)


def key(task: Task, codec: Codec, base: Base | None) -> str:
    """What the frozen encoder's vector of a row depends on besides the row."""
    digest = base.digest if base else "tiny"
    tokenizer = hashlib.sha256(codec.files["tokenizer.json"]).hexdigest()
    depends = [digest, tokenizer, task.model_dump_json(), codec.settings["max_length"], machine.versions()]
    return hashlib.sha256(files.canonical_json(depends)).hexdigest()[:32]


@lru_cache(maxsize=2)
def _loaded(task: NeuralTask, base: Base | None, tokenizer: bytes) -> Any:
    # a miniature's weights are random, and must be the same when it is opened again
    doors.open("torch").manual_seed(0)
    codec = Codec({"labels": ["none"]}, {"tokenizer.json": tokenizer})
    if base is None:
        return task.tiny(codec)
    return local.pretrained(task, base, codec)


class Cache:
    """Vectors by row key on disk, one file per chunk: folds, learning curves and later runs encode nothing twice."""

    def __init__(self, folder: Path, key: str) -> None:
        from safetensors.numpy import load_file

        self._folder = folder / "embeddings" / key
        self.rows: dict[str, np.ndarray] = {}
        for path in sorted(self._folder.glob("*.safetensors")):
            keys = path.with_suffix(".json")
            if keys.is_file() and path.stem == files.sha256(path)[:32]:
                self.rows |= zip(files.read_json(keys), load_file(path)["vectors"], strict=True)

    def vectors(self, records: Sequence[Record]) -> np.ndarray:
        """[B, D] of rows that are in the cache."""
        return np.stack([self.rows[record.key] for record in records])

    def add(self, keys: Sequence[str], vectors: np.ndarray) -> None:
        """Keep the vectors [B, D] of rows, on disk too."""
        from safetensors.numpy import save

        content = save({"vectors": vectors})
        name = hashlib.sha256(content).hexdigest()[:32]
        files.write_json(self._folder / f"{name}.json", list(keys))
        files.write(self._folder / f"{name}.safetensors", content)
        self.rows |= zip(keys, vectors, strict=True)


def fill(cache: Cache, encoder: Encoder, records: Sequence[Record]) -> Iterator[Event]:
    """Encode the rows that the cache lacks."""
    new = list({record.key: record for record in records if record.key not in cache.rows}.values())
    start = time.monotonic()
    for first in range(0, len(new), CHUNK):
        part = new[first : first + CHUNK]
        cache.add([record.key for record in part], encoder.vectors(part))
        yield Progress("encode", min(first + CHUNK, len(new)), len(new), time.monotonic() - start)


def fit_head(job: Job, strength: float) -> Generator[Event, None, heads.Head]:
    """A linear layer on the frozen vectors of a job's training rows."""
    encoder = Encoder(job.task, job.codec, job.base, job.recipe)
    cache = Cache(job.cache, encoder.key)
    yield from fill(cache, encoder, [*job.train, *job.validation])
    index = {label: n for n, label in enumerate(job.codec.settings["labels"])}
    return heads.fit_logistic(
        cache.vectors(job.train),
        [index[job.task.target(record) or ""] for record in job.train],
        len(index),
        strength=strength,
        balanced=job.codec.settings["balance"] != "none",
    )
