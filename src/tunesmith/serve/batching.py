"""Dynamic batching: what has queued up while the model was busy is computed together."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from tunesmith.errors import CapacityError
from tunesmith.model import Model
from tunesmith.parts import Prediction

Answer = Future[list[Prediction]]
MAX_RETRY_SECONDS = 60


@dataclass(eq=False)
class _Request:
    """One caller's texts, in chunks of at most `max_batch`; `missing` chunks are not computed yet."""

    answer: Answer
    parts: list[list[Prediction]]
    missing: int


@dataclass(eq=False)
class _Chunk:
    request: _Request
    index: int
    texts: list[str]


@dataclass(eq=False)
class Batcher:
    """A model behind a bounded queue, computed by one thread of its own.

    max_batch: texts that are computed together.  A request of at most so many is never split; a larger one is
    computed in order, `max_batch` at a time.  An idle batcher starts at once, with that one request alone.
    max_queue: texts that may wait (those being computed not counted); an empty queue takes any one request.
    """

    model: Model
    max_batch: int
    max_queue: int
    _chunks: deque[_Chunk] = field(default_factory=deque, init=False, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False, repr=False)
    _waiting: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _seconds_per_text: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="tunesmith-batcher", daemon=True)
        self._thread.start()

    def submit(self, texts: Sequence[str]) -> Answer:
        """The predictions to come, in the order of `texts`.

        The answer raises what the model raised, and only for the request that made it raise.
        Raises CapacityError V113 when the queue is full, V114 when the batcher is closing.
        """
        starts = range(0, len(texts), self.max_batch)
        request = _Request(Future(), [[] for _ in starts], len(starts))
        if not texts:
            request.answer.set_result([])
            return request.answer
        with self._changed:
            self._admit(len(texts))
            for index, start in enumerate(starts):
                self._chunks.append(_Chunk(request, index, list(texts[start : start + self.max_batch])))
            self._waiting += len(texts)
            self._changed.notify()
        return request.answer

    def _admit(self, num_texts: int) -> None:
        if self._closed:
            raise CapacityError("V114", "the server is shutting down", expected="a running server")
        if self._waiting and self._waiting + num_texts > self.max_queue:
            raise CapacityError(
                "V113",
                f"{self._waiting} texts are waiting, {num_texts} more do not fit",
                expected=f"at most {self.max_queue} waiting texts",
                fixes=("send it again after the seconds in Retry-After", "--set serve.max_queue=1024"),
            )

    @property
    def depth(self) -> int:
        """Texts that wait to be computed."""
        return self._waiting

    def retry_after(self) -> int:
        """Whole seconds in which the queue should be worked off, from the speed of the last batches."""
        return min(MAX_RETRY_SECONDS, max(1, math.ceil(self._waiting * self._seconds_per_text)))

    def close(self, timeout: float = 5.0) -> bool:
        """Take nothing more, finish what waits; False when `timeout` seconds were too few: the rest failed."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)
        with self._changed:
            left, self._waiting = list(self._chunks), 0
            self._chunks.clear()
        for chunk in left:
            _fail(
                chunk.request, CapacityError("V114", "the server was shut down", expected="a running server")
            )
        return not self._thread.is_alive()

    def _work(self) -> None:
        while batch := self._take():
            began, num_texts = time.monotonic(), sum(len(chunk.texts) for chunk in batch)
            self._compute(batch)
            latest = (time.monotonic() - began) / num_texts
            known = self._seconds_per_text or latest
            self._seconds_per_text = 0.8 * known + 0.2 * latest

    def _take(self) -> list[_Chunk]:
        """The next chunks that fit into one batch; waits for one; empty when closed and drained."""
        with self._changed:
            while not self._chunks and not self._closed:
                self._changed.wait()
            batch: list[_Chunk] = []
            room = self.max_batch
            while self._chunks and len(self._chunks[0].texts) <= room:
                batch.append(self._chunks.popleft())
                room -= len(batch[-1].texts)
            self._waiting -= self.max_batch - room
            return batch

    def _compute(self, batch: list[_Chunk]) -> None:
        batch = [
            chunk for chunk in batch if not chunk.request.answer.done()
        ]  # its caller left, or it failed before
        if not batch:
            return
        try:
            predictions = self._predict([text for chunk in batch for text in chunk.texts])
        except Exception as failure:  # noqa: BLE001 - whatever a model raises belongs to the request that caused it
            if len(batch) == 1:
                _fail(batch[0].request, failure)
            for chunk in batch if len(batch) > 1 else ():
                self._compute([chunk])
            return
        for chunk in batch:
            _deliver(chunk, predictions[: len(chunk.texts)])
            predictions = predictions[len(chunk.texts) :]

    def _predict(self, texts: list[str]) -> list[Prediction]:
        predictions = cast(list[Prediction], self.model.predict_texts(texts))  # a model of labels says labels
        if len(predictions) != len(texts):
            raise ValueError(f"{len(predictions)} predictions for {len(texts)} texts")
        if not all(np.isfinite(prediction.probs).all() for prediction in predictions):
            raise ValueError("a probability is not a finite number")
        return predictions


def _deliver(chunk: _Chunk, predictions: list[Prediction]) -> None:
    request = chunk.request
    request.parts[chunk.index] = predictions
    request.missing -= 1
    if not request.missing:
        with suppress(InvalidStateError):  # cancelled between the check and now
            request.answer.set_result([prediction for part in request.parts for prediction in part])


def _fail(request: _Request, failure: Exception) -> None:
    with suppress(InvalidStateError):
        request.answer.set_exception(failure)
