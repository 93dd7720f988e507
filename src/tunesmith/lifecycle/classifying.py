"""Makes the evidence that a given model gives: names in the texts, and how toxic they are."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from tunesmith import lifecycle
from tunesmith.errors import UsageError
from tunesmith.events import Event, Stage
from tunesmith.inputs import entities
from tunesmith.lifecycle.known import Known, Unavailable
from tunesmith.model import Model

CHUNK = 256  # rows that are given to a model together
TOXIC_WORDS = ("toxic", "hate", "hateful", "offensive", "abusive", "harmful", "unsafe", "insult", "obscene")


def names(known: Known) -> Generator[Event, None, np.ndarray]:
    """The groups of names that each row's texts hold: object [N] of frozensets.  Raises Unavailable."""
    if not known.wanted.names:
        raise Unavailable(
            "names and addresses are not looked for; `--names FOLDER` (a token classifier) does"
        )
    yield Stage("names", f"{len(known.records):,} rows")
    finder = entities.opened(known.wanted.names)
    found = np.empty(len(known.records), dtype=object)
    for start in range(0, len(known.records), CHUNK):
        rows = known.records[start : start + CHUNK]
        texts = [
            (start + index, text) for index, row in enumerate(rows) for _, text in known.content.passages(row)
        ]
        groups: dict[int, set[str]] = {start + index: set() for index in range(len(rows))}
        for (index, _), spans in zip(texts, finder([text for _, text in texts]), strict=True):
            groups[index] |= {each.group for each in spans}
        for index, each in groups.items():
            found[index] = frozenset(each)
    return found


def toxicity(known: Known) -> Generator[Event, None, np.ndarray]:
    """The probability that each row's texts are toxic: float32 [N].  Raises Unavailable, UsageError P326."""
    if not known.wanted.toxicity:
        raise Unavailable
    ref, _, label = known.wanted.toxicity.partition(":")
    model = lifecycle.open_model(ref, known.wanted.home)
    yield Stage("toxicity", f"{model.name} on {len(known.records):,} rows")
    shares: list[float] = []
    for start in range(0, len(known.records), CHUNK):
        rows = known.records[start : start + CHUNK]
        texts = ["\n".join(text for _, text in known.content.passages(row)) for row in rows]
        # tokenizers take UTF-8 only
        texts = [text.encode("utf-8", "replace").decode() for text in texts]
        shares += [_share(model, each, label) for each in model.predict_texts(texts)]
    return np.array(shares, dtype=np.float32)


def _share(model: Model, said: Any, label: str) -> float:
    """How likely a text is toxic; a model that answers in words has no labels that could say so."""
    return float(sum(said.probs[_columns(model, getattr(said, "labels", ()), label)]))


def _columns(model: Model, labels: tuple[str, ...], label: str) -> list[int]:
    """Where the labels that mean toxic stand."""
    wanted = (label,) if label else TOXIC_WORDS
    found = [index for index, each in enumerate(labels) if each == label or each.casefold() in wanted]
    if not found:
        raise UsageError(
            "P326",
            f"none of the labels of {model.name} is known to mean toxic",
            expected=f"one of: {', '.join(labels[:12])}" if labels else "a model that gives labels",
            fixes=tuple(f"--toxicity {model.name}:{each}" for each in labels[:1]),
            where="--toxicity",
        )
    return found
