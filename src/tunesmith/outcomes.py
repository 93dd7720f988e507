"""What models say: of one record (`Prediction`, `Answer`) and of many (`Predictions`, `Answers`).

A task's `predicts` names which of the two it gives: 'label' or 'text'.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

# ---- of one record ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label.

    labels and probs ([C], calibrated, sum 1) are parallel; confidence is the probability of `label`; abstain: the
    confidence is under the threshold that was chosen on rows not trained on.
    """

    label: str
    labels: tuple[str, ...]
    probs: np.ndarray
    confidence: float
    abstain: bool

    def to_json(self) -> dict[str, Any]:
        """One JSON object, the same for every face."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "abstain": self.abstain,
            "probs": [float(p) for p in self.probs],
        }


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely the record's own answer is to the model.

    nll: −Σ natural log-probability over its `tokens` supervised tokens (each weighted by its turn).  right: how many of
    them the model holds for the likeliest.  size: UTF-8 bytes of the text that these tokens stand for.
    """

    nll: float
    tokens: float
    right: float
    size: int = 0

    def plus(self, other: Likelihood) -> Likelihood:
        """Of two windows of one record."""
        return Likelihood(
            self.nll + other.nll,
            self.tokens + other.tokens,
            self.right + other.right,
            self.size + other.size,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A text.

    tokens: how many were generated; stopped: it ended by itself and not at the limit.  logprob: Σ natural
    log-probability of the generated tokens, None where nobody knows (a server that does not tell).  likelihood: of the
    record's own answer, None where it has none or can't be asked.  sources: documents that it was given.
    """

    text: str
    tokens: int = 0
    stopped: bool = True
    logprob: float | None = None
    likelihood: Likelihood | None = None
    sources: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One JSON object, the same for every face."""
        return {
            "text": self.text,
            "tokens": self.tokens,
            "stopped": self.stopped,
            "logprob": self.logprob,
            "sources": list(self.sources),
        }


# ---- of many records --------------------------------------------------------------------------------------------


class Outcomes(ABC):
    """What was said of many rows, in order.

    groups: [B] ids of rows that belong together (near-duplicates, one customer): resampled as one.  rows: their keys.
    """

    groups: np.ndarray
    rows: tuple[str, ...]

    @property
    @abstractmethod
    def hits(self) -> np.ndarray:
        """Which rows are right: booleans [B]."""

    @abstractmethod
    def truths(self) -> list[str | None]:
        """What would be right for each row, None where the row does not say or the model does not know it."""

    @abstractmethod
    def take(self, positions: np.ndarray) -> Outcomes:
        """Some of the rows, by position or by booleans [B]."""


@dataclass(frozen=True)
class Predictions(Outcomes):
    """Labels of many rows as arrays.  probs: [B, C] calibrated; guess, truth: class indices [B].

    truth is -1 where a row's label is none of `labels`: such a row counts as wrong.
    """

    labels: tuple[str, ...]
    probs: np.ndarray
    guess: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    rows: tuple[str, ...]

    @property
    def hits(self) -> np.ndarray:
        return self.guess == self.truth

    def truths(self) -> list[str | None]:
        return [self.labels[index] if index >= 0 else None for index in self.truth]

    def take(self, positions: np.ndarray) -> Predictions:
        at = np.flatnonzero(positions) if positions.dtype == bool else positions
        return replace(
            self,
            probs=self.probs[at],
            guess=self.guess[at],
            truth=self.truth[at],
            groups=self.groups[at],
            rows=tuple(self.rows[position] for position in at),
        )


@dataclass(frozen=True)
class Answers(Outcomes):
    """Texts of many rows.

    references: for each row the texts that would be right (none where it does not say).  prompts: what was asked, as
    plain text.  demands: by name ('terms', 'schema') how much of what was demanded each answer keeps: float64 [B, 2],
    (kept, demanded).
    """

    answers: tuple[Answer, ...]
    references: tuple[tuple[str, ...], ...]
    prompts: tuple[str, ...]
    groups: np.ndarray
    rows: tuple[str, ...]
    demands: Mapping[str, np.ndarray] = field(default_factory=dict)
    _known: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def hits(self) -> np.ndarray:
        pairs = zip(self.answers, self.references, strict=True)
        return np.array([plain(a.text) in {plain(each) for each in wanted} for a, wanted in pairs], bool)

    def truths(self) -> list[str | None]:
        return [wanted[0] if wanted else None for wanted in self.references]

    def take(self, positions: np.ndarray) -> Answers:
        at = [int(p) for p in (np.flatnonzero(positions) if positions.dtype == bool else positions)]
        return Answers(
            tuple(self.answers[p] for p in at),
            tuple(self.references[p] for p in at),
            tuple(self.prompts[p] for p in at),
            self.groups[at],
            tuple(self.rows[p] for p in at),
            {name: kept[at] for name, kept in self.demands.items()},
        )

    def once(self, name: str, make: Callable[[Answers], np.ndarray]) -> np.ndarray:
        """What `make` finds of these answers, computed at the first call under that name."""
        if name not in self._known:
            self._known[name] = make(self)
        return self._known[name]


def calibrated(
    logits: np.ndarray, labels: tuple[str, ...], *, temperature: float, threshold: float
) -> Prediction:
    """The label of logits [C], with probabilities at a temperature; it abstains under the threshold."""
    scaled = np.asarray(logits, np.float64) / temperature
    probs = np.exp(scaled - scaled.max())
    probs /= probs.sum()
    best = int(probs.argmax())
    sure = float(probs[best])
    return Prediction(labels[best], labels, probs, sure, sure < threshold)


def predictions_of(
    decoded: Sequence[Prediction],
    truths: Sequence[str | None],
    rows: Sequence[str],
    groups: Sequence[str | int],
) -> Predictions:
    """Arrays from single predictions; all four sequences are parallel.

    A row whose truth is None or none of the model's labels gets truth -1 and counts as wrong.  Without rows the result
    has no labels.
    """
    labels = decoded[0].labels if decoded else ()
    index = {label: position for position, label in enumerate(labels)}
    return Predictions(
        labels=labels,
        probs=np.array([p.probs for p in decoded], dtype=np.float32).reshape(len(decoded), len(labels)),
        guess=np.array([index[p.label] for p in decoded], dtype=np.int64),
        truth=np.array([index.get(t, -1) if t is not None else -1 for t in truths], dtype=np.int64),
        groups=group_ids(groups),
        rows=tuple(rows),
    )


def plain(text: str) -> str:
    """A text without what does not change what is said: case, surrounding and repeated blanks."""
    return " ".join(text.casefold().split())


def group_ids(groups: Sequence[str | int]) -> np.ndarray:
    """0, 1, … in order of first appearance: int64 [B]."""
    ids: dict[str | int, int] = {}
    return np.array([ids.setdefault(group, len(ids)) for group in groups], dtype=np.int64)
