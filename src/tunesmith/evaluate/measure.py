"""Scores of predictions: by name with intervals, per class, and as a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.evaluate.intervals import Score, intervals, share_score
from tunesmith.parts import Metric, Outcomes, Predictions, Task

UNKNOWN = "(unknown label)"


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores of one class.  support: rows that belong to it.  None: cannot be said without rows."""

    label: str
    support: int
    guessed: int
    precision: Score | None
    recall: Score | None
    f1: Score | None

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        scores = {name: getattr(self, name) for name in ("precision", "recall", "f1")}
        return {"label": self.label, "support": self.support, "guessed": self.guessed} | {
            name: score.to_json() if score else None for name, score in scores.items()
        }


def metric_names(task: Task) -> list[str]:
    """The task's metrics, its main score first, then plug-ins that judge the same kind of prediction."""
    own = list(task.metrics)
    known = {name.replace("-", "_") for name in own} | _built_in()
    extra = [
        name.replace("-", "_") for name in catalog.names("metric") if name.replace("-", "_") not in known
    ]
    return own + [name for name in extra if catalog.part("metric", name).predicts == task.predicts]


def _built_in() -> set[str]:
    return {path.stem for path in (Path(__file__).parent / "metrics").glob("*.py")}


def metric(name: str) -> Metric:
    """A metric by name.  Raises UsageError C103 with the nearest legal name."""
    return catalog.part("metric", name)()


def measure(predictions: Outcomes, metric_names: Sequence[str]) -> dict[str, Score]:
    """Each metric with its 95 % interval, all from the same draws."""
    return intervals(predictions, {name: metric(name) for name in metric_names})


def per_class(predictions: Predictions) -> list[ClassScores]:
    """Precision, recall and F1 of every label, in the order of `labels`."""
    return [_of_class(predictions, index) for index in range(len(predictions.labels))]


def _of_class(predictions: Predictions, index: int) -> ClassScores:
    belongs, given = predictions.truth == index, predictions.guess == index
    both, groups = belongs & given, predictions.groups
    overlap = share_score(both[belongs | given], groups[belongs | given]) if belongs.any() else None
    return ClassScores(
        label=predictions.labels[index],
        support=int(belongs.sum()),
        guessed=int(given.sum()),
        precision=share_score(both[given], groups[given]),
        recall=share_score(both[belongs], groups[belongs]),
        f1=_f1(overlap) if overlap else None,
    )


def _f1(overlap: Score) -> Score:
    """F1 = 2J / (1 + J), where J = TP / (TP + FP + FN) is a share of rows and so has Wilson's interval."""
    value, low, high = (2 * share / (1 + share) for share in (overlap.value, overlap.low, overlap.high))
    return Score(value, low, high, overlap.n)


def confusion(predictions: Predictions) -> np.ndarray:
    """Counts [C + 1, C]: rows of each truth (the last: labels that the model does not know) by guess."""
    size = len(predictions.labels)
    truth = np.where(predictions.truth < 0, size, predictions.truth)
    return np.bincount(truth * size + predictions.guess, minlength=(size + 1) * size).reshape(size + 1, size)


def most_confused(predictions: Predictions, most: int = 20) -> list[tuple[str, str, int]]:
    """(truth, guess, rows) of the most frequent mistakes, most frequent first."""
    counts = confusion(predictions)
    counts[np.arange(counts.shape[1]), np.arange(counts.shape[1])] = 0
    names = (*predictions.labels, UNKNOWN)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    cells = [divmod(int(position), max(1, counts.shape[1])) for position in order]
    return [(names[t], names[g], int(counts[t, g])) for t, g in cells if counts[t, g]]
