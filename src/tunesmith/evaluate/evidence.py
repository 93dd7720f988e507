"""What a report shows of the test rows: classes, confusions, confidence and the worst errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.evaluate import measure
from tunesmith.evaluate.calibration import reliability, risk_coverage, threshold
from tunesmith.parts import Predictions

MOST_LABELS = 25  # beyond that a matrix can't be read, and the most confused pairs are listed instead
MOST_ROWS = 20
CURVE_POINTS = 120


def about(
    predictions: Predictions,
    texts: Sequence[str],
    places: Sequence[str],
    *,
    chosen_threshold: float | None = None,
    temperature: float | None = None,
) -> dict[str, Any]:
    """The sections classes, confusion, calibration and worst of a report, from predictions of test rows.

    texts and places are parallel to the rows.  chosen_threshold: the abstain threshold that was chosen elsewhere.
    """
    counts = measure.confusion(predictions)
    unknown = bool(counts[-1].any())
    labels = [*predictions.labels, measure.UNKNOWN] if unknown else list(predictions.labels)
    square = np.hstack([counts, np.zeros((len(counts), 1), dtype=counts.dtype)]) if unknown else counts[:-1]
    return {
        "classes": [scores.to_json() for scores in measure.per_class(predictions)],
        "confusion": {
            "labels": labels,
            "counts": square.tolist() if len(labels) <= MOST_LABELS else [],
            "pairs": [list(pair) for pair in measure.most_confused(predictions)],
        },
        "calibration": _calibration(predictions, chosen_threshold, temperature),
        "worst": worst(predictions, texts, places),
    }


def _calibration(predictions: Predictions, chosen: float | None, temperature: float | None) -> dict[str, Any]:
    hits = predictions.hits
    confidence = predictions.probs[np.arange(len(hits)), predictions.guess].astype(np.float64)
    limit = threshold(confidence, hits)[0] if chosen is None else chosen
    answered = confidence >= limit
    _, covered, errors = risk_coverage(confidence, hits)
    kept = np.unique(np.linspace(0, len(covered) - 1, CURVE_POINTS).astype(int)) if len(covered) else []
    return {
        "temperature": temperature,
        "ece": measure.measure(predictions, ["ece"])["ece"].to_json(),
        "bins": [list(found) for found in reliability(confidence, hits)],
        "curve": [[float(covered[i]), float(errors[i])] for i in kept],
        "threshold": float(limit),
        "coverage": float(answered.mean()) if len(hits) else None,
        "error": float(1 - hits[answered].mean()) if answered.any() else 0.0,
    }


def worst(
    predictions: Predictions, texts: Sequence[str], places: Sequence[str], most: int = MOST_ROWS
) -> list[dict[str, Any]]:
    """The errors of which the model was surest, surest first."""
    confidence = predictions.probs[np.arange(len(predictions.guess)), predictions.guess]
    wrong = np.flatnonzero(~predictions.hits)
    names = (*predictions.labels, measure.UNKNOWN)  # truth -1 is the last
    return [
        {
            "row": predictions.rows[i],
            "place": places[i],
            "text": texts[i],
            "label": names[predictions.truth[i]],
            "guess": names[predictions.guess[i]],
            "confidence": float(confidence[i]),
        }
        for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    ]
