"""A frozen encoder, its vectors cached by content hash, and a linear layer on top."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tunesmith import doors, machine
from tunesmith.bases import Base
from tunesmith.events import Event, Progress
from tunesmith.fields import Record
from tunesmith.inputs import heads
from tunesmith.parts import Approach, Codec, Job, NeuralTask, Output, Predictor, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files
from tunesmith.train.engine import local

CHUNK = 512  # rows between two progress events, and rows of one cache file
START_SECONDS, ROWS_PER_SECOND = 6.0, 300.0  # to load and to encode, two cores, minilm, short texts
PROBE = 48  # rows that are encoded to estimate the time of all


class Features(Approach):
    """A linear layer on standardised vectors; the encoder never moves."""

    refits: ClassVar = True
    based: ClassVar = True
    library: ClassVar = "torch"
    strength: float = Field(0.03, gt=0, description="inverse of the L2 penalty")

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask) and task.predicts == "label"

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {"train.threads": recipe.train.threads or machine.physical_cores()}

    def seconds(self, job: Job, *, probe: bool) -> float:
        if not probe:
            return START_SECONDS + (len(job.train) + len(job.validation)) / ROWS_PER_SECOND
        encoder = _Encoder(job.task, job.codec, job.base, job.recipe)
        cache = _Cache(job.cache, encoder.key)
        new = [record for record in [*job.train, *job.validation] if record.key not in cache.rows]
        start = time.perf_counter()
        encoder.vectors(new[:: max(1, len(new) // PROBE)][:PROBE])
        return 2.0 + (time.perf_counter() - start) * len(new) / PROBE

    def shorter(self, recipe: object, share: float) -> None:
        return None

    def fit(self, job: Job) -> Iterator[Event]:
        encoder = _Encoder(job.task, job.codec, job.base, job.recipe)
        cache = _Cache(job.cache, encoder.key)
        yield from _fill(cache, encoder, [*job.train, *job.validation])
        rows = np.stack([cache.rows[record.key] for record in job.train])
        index = {label: n for n, label in enumerate(job.codec.settings["labels"])}
        head = heads.fit_logistic(
            rows,
            [index[job.task.target(record) or ""] for record in job.train],
            len(index),
            strength=self.strength,
            balanced=job.codec.settings["balance"] != "none",
        )
        head.save(job.model)

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        return _Features(_Encoder(task, codec, base, recipe), heads.Head.load(folder))


class _Encoder:
    """The frozen encoder: records → unit vectors [D] in float32."""

    def __init__(self, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> None:
        if not isinstance(task, NeuralTask):
            raise TypeError(f"{type(task).__name__} has no network: `serves` says so")
        self._task, self._codec = task, codec
        machine.set_threads(recipe.train.threads)
        # a frozen section is hashable, which pydantic's type does not tell
        self._net = _loaded(task, base, codec.files["tokenizer.json"])  # pyright: ignore[reportArgumentType]
        digest = base.digest if base else "tiny"
        settings = f"{digest} {task.model_dump_json()} {codec.settings['max_length']}"
        self.key = hashlib.sha256(settings.encode()).hexdigest()[:32]

    def vectors(self, records: Sequence[Record]) -> np.ndarray:
        """[B, D]"""
        found = local.predict(self._net, self._task, self._codec, records, self._task.embed)
        return np.stack([np.mean(vectors, axis=0) for vectors in found]).astype(np.float32)


@lru_cache(maxsize=2)
def _loaded(task: NeuralTask, base: Base | None, tokenizer: bytes) -> Any:
    from tunesmith.nn import encoder

    # a miniature's weights are random, and must be the same when it is opened again
    doors.open("torch").manual_seed(0)
    codec = Codec({"labels": ["none"]}, {"tokenizer.json": tokenizer})
    if base is None:
        return task.tiny(codec)
    net = task.build(base, codec)
    encoder.load_backbone(net, base.folder)
    return net


class _Cache:
    """Vectors by row key on disk, one file per chunk: folds, learning curves and later runs encode nothing twice."""

    def __init__(self, folder: Path, key: str) -> None:
        from safetensors.numpy import load_file

        self._folder = folder / "embeddings" / key
        self.rows: dict[str, np.ndarray] = {}
        for path in sorted(self._folder.glob("*.safetensors")):
            keys = path.with_suffix(".json")
            if keys.is_file() and path.stem == files.sha256(path)[:32]:
                self.rows |= zip(files.read_json(keys), load_file(path)["vectors"], strict=True)

    def add(self, keys: Sequence[str], vectors: np.ndarray) -> None:
        from safetensors.numpy import save

        content = save({"vectors": vectors})
        name = hashlib.sha256(content).hexdigest()[:32]
        files.write_json(self._folder / f"{name}.json", list(keys))
        files.write(self._folder / f"{name}.safetensors", content)
        self.rows |= zip(keys, vectors, strict=True)


def _fill(cache: _Cache, encoder: _Encoder, records: Sequence[Record]) -> Iterator[Event]:
    new = list({record.key: record for record in records if record.key not in cache.rows}.values())
    start = time.monotonic()
    for first in range(0, len(new), CHUNK):
        part = new[first : first + CHUNK]
        cache.add([record.key for record in part], encoder.vectors(part))
        yield Progress("encode", min(first + CHUNK, len(new)), len(new), time.monotonic() - start)


class _Features(Predictor):
    def __init__(self, encoder: _Encoder, head: heads.Head) -> None:
        self._encoder, self._head = encoder, head

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        if not records:
            return []
        return [[logits] for logits in self._head.logits(self._encoder.vectors(records))]
