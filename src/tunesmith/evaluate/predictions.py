"""Predictions of many rows as arrays: what metrics, intervals and comparisons work on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.parts import Prediction, Predictions


def gather(
    predictions: Sequence[Prediction],
    truths: Sequence[str | None],
    rows: Sequence[str],
    groups: Sequence[str | int],
) -> Predictions:
    """Arrays from single predictions; all four sequences are parallel.

    A row whose truth is None or none of the model's labels gets truth -1 and counts as wrong. Without rows
    the result has no labels. Group ids become 0, 1, … in order of first appearance.
    """
    labels = predictions[0].labels if predictions else ()
    index = {label: position for position, label in enumerate(labels)}
    ids: dict[str | int, int] = {}
    return Predictions(
        labels=labels,
        probs=np.array([p.probs for p in predictions], dtype=np.float32).reshape(
            len(predictions), len(labels)
        ),
        guess=np.array([index[p.label] for p in predictions], dtype=np.int64),
        truth=np.array([index.get(t, -1) if t is not None else -1 for t in truths], dtype=np.int64),
        groups=np.array([ids.setdefault(group, len(ids)) for group in groups], dtype=np.int64),
        rows=tuple(rows),
    )


def take(predictions: Predictions, keep: np.ndarray) -> Predictions:
    """Some of the rows: `keep` holds booleans [B] or row positions."""
    positions = np.flatnonzero(keep) if keep.dtype == bool else keep
    return Predictions(
        predictions.labels,
        predictions.probs[positions],
        predictions.guess[positions],
        predictions.truth[positions],
        predictions.groups[positions],
        tuple(predictions.rows[position] for position in positions),
    )


def right(predictions: Predictions) -> np.ndarray:
    """Which rows are right: booleans [B]."""
    return predictions.guess == predictions.truth
