"""Gathering single predictions into arrays."""

from __future__ import annotations

import numpy as np

from tunesmith.outcomes import Prediction, predictions_of


def one(label: str, *probs: float) -> Prediction:
    return Prediction(label, ("no", "yes"), np.array(probs, dtype=np.float32), max(probs), False)


def test_predictions_of() -> None:
    found = predictions_of(
        [one("yes", 0.1, 0.9), one("no", 0.8, 0.2), one("no", 0.7, 0.3)],
        ["yes", "maybe", None],
        ["a", "b", "c"],
        ["customer 7", "customer 1", "customer 7"],
    )
    assert found.labels == ("no", "yes") and found.rows == ("a", "b", "c")
    assert found.guess.tolist() == [1, 0, 0] and found.truth.tolist() == [1, -1, -1]
    assert found.groups.tolist() == [0, 1, 0]
    assert found.probs.shape == (3, 2) and found.hits.tolist() == [True, False, False]


def test_gather_nothing() -> None:
    found = predictions_of([], [], [], [])
    assert found.labels == () and found.probs.shape == (0, 0) and not len(found.truth)


def test_take_by_mask_and_by_position() -> None:
    found = predictions_of([one("yes", 0.1, 0.9), one("no", 0.8, 0.2)], ["yes", "no"], ["a", "b"], [1, 2])
    for keep in (np.array([False, True]), np.array([1])):
        part = found.take(keep)
        assert part.rows == ("b",) and part.guess.tolist() == [0] and part.groups.tolist() == [1]
