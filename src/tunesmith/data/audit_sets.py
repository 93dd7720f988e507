"""The queue of an audit where rows have any number of labels: the whole set is shown, and likelier ones are offered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.data import label_sets
from tunesmith.data.audit import CHOICES, Item, asked
from tunesmith.fields import Record
from tunesmith.inputs import doubts


def queue(
    records: Sequence[Record],
    texts: Sequence[str],
    marks: np.ndarray,
    probs: np.ndarray,
    classes: Sequence[str],
    *,
    share: float,
    seed: int,
) -> list[Item]:
    """As `audit.queue`.  A row is as suspicious as its most doubted label, one that it has or one that it has not.

    marks [N, C]: 1 has it, 0 has not, -1 not said.  probs [N, C]: of each label by itself, out of fold.
    """
    doubted = doubts.of_each(probs, marks)
    suspicion = doubted.max(axis=1)
    return [
        Item(
            row,
            records[row].place.id,
            texts[row],
            _shown(marks[row] == 1, classes),
            part,
            _likely(marks[row] == 1, doubted[row], classes),
            float(np.exp(suspicion[row])),
            drawn,
        )
        for row, part, drawn in asked(np.all(marks >= 0, axis=1), suspicion, share, seed)
    ]


def _shown(has: np.ndarray, classes: Sequence[str]) -> str:
    return label_sets.shown(classes[int(each)] for each in np.flatnonzero(has))


def _likely(has: np.ndarray, doubted: np.ndarray, classes: Sequence[str]) -> tuple[str, ...]:
    """The row's set with its most doubted labels changed: all that are likely wrong, then each by itself."""
    order = np.argsort(-doubted, kind="stable")[:CHOICES]
    found = [has ^ (doubted > 0)] if (doubted > 0).sum() > 1 else []
    found += [has ^ (np.arange(len(has)) == each) for each in order]
    return tuple(dict.fromkeys(_shown(each, classes) for each in found))[:CHOICES]
