"""Layers of all folds at once are what fits of one fold after the other give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tunesmith.inputs import logistic


def rows(
    count: int, classes: int, seed: int, spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, count)
    centres = draw.standard_normal((classes, 12)) / 2
    vectors = (centres[truth] + draw.standard_normal((count, 12)) * spread).astype(np.float32)
    return vectors, truth, np.arange(count) % 4


def usual(vectors: np.ndarray) -> np.ndarray:
    """Rows as the layers see them: centred, of usual length."""
    centred = vectors - vectors.mean(axis=0)
    return centred * logistic.LENGTH / np.sqrt((centred**2).sum(axis=1).mean())


@pytest.mark.parametrize("classes", [2, 5])
def test_many_steps_reach_the_optimum(classes: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "STEPS", 80)
    vectors, truth, fold = rows(240, classes, seed)
    found = logistic.held_out(vectors, truth, fold, classes, 4, 0.5)
    plain = np.column_stack([usual(vectors), np.ones(len(vectors))])
    for each in range(4):
        # with two classes scikit-learn has one layer where this has two: their difference, at half the penalty
        strength = 1 / (0.5 if classes > 2 else 0.25)
        model = LogisticRegression(C=strength, fit_intercept=False, tol=1e-8, max_iter=5000)
        model.fit(plain[fold != each], truth[fold != each])
        expected = model.predict_log_proba(plain[fold == each])
        mine = found[fold == each] - np.logaddexp.reduce(found[fold == each], axis=1, keepdims=True)
        assert np.abs(mine - expected).max() < 0.02


def test_no_step_raises_a_folds_loss(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []
    guarded = logistic._guarded

    def watched(layers: np.ndarray, step: np.ndarray, value: np.ndarray, look: object) -> tuple:
        found = guarded(layers, step, value, look)  # type: ignore[arg-type]
        seen.append(found[1] - value)
        return found

    monkeypatch.setattr(logistic, "_guarded", watched)
    vectors, truth, fold = rows(600, 6, seed, spread=0.05)  # far apart: where steps overshoot
    logistic.held_out(vectors, truth, fold, 6, 4, 0.1)
    assert len(seen) == logistic.STEPS
    assert all((each <= 0).all() for each in seen)


def test_parts_of_the_rows_add_up(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth, fold = rows(240, 3, seed)
    truth[::7] = -1
    whole = logistic.held_out(vectors, truth, fold, 3, 4, 1.0)
    monkeypatch.setattr(logistic, "BLOCK", 300)
    assert np.allclose(logistic.held_out(vectors, truth, fold, 3, 4, 1.0), whole, atol=1e-3)


def test_a_row_does_not_reach_its_own_logits(seed: int) -> None:
    vectors, truth, fold = rows(240, 3, seed)
    before = logistic.held_out(vectors, truth, fold, 3, 4, 1.0)
    changed = truth.copy()
    changed[8] = (truth[8] + 1) % 3
    after = logistic.held_out(vectors, changed, fold, 3, 4, 1.0)
    same = fold == fold[8]
    assert np.allclose(before[same], after[same], atol=1e-4)
    assert not np.allclose(before[~same], after[~same], atol=1e-4)
