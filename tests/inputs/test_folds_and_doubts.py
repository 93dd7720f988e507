"""Out-of-fold probabilities see no row of their own fold; planted wrong labels come first."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.inputs import doubts, folds


def blobs(count: int, classes: int, seed: int, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    centres = draw.standard_normal((classes, width)) * 2
    return (centres[truth] + draw.standard_normal((count, width))).astype(np.float32), truth


def test_planted_labels_are_found(seed: int) -> None:
    vectors, truth = blobs(600, 6, seed)
    wrong = np.random.default_rng(seed).random(600) < 0.05
    labels = np.where(wrong, (truth + 1) % 6, truth)
    probs = folds.out_of_fold(vectors, labels, 6)
    assert probs.shape == (600, 6)
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-4)
    found = doubts.doubtful(probs, labels)
    precision, recall = wrong[found].mean(), wrong[found].sum() / wrong.sum()
    print(f"precision {precision:.3f} recall {recall:.3f}")
    assert precision > 0.9
    assert recall > 0.8


def test_a_rows_own_label_does_not_reach_its_probabilities(seed: int) -> None:
    vectors, truth = blobs(200, 4, seed)
    folded = {
        int(row): number for number, (_, outside) in enumerate(folds.splits(truth, 0)) for row in outside
    }
    inside, outside = folds.splits(truth, 0)[0]
    assert not set(inside) & set(outside)
    assert sorted(folded) == list(range(200))
    before = folds.out_of_fold(vectors, truth, 4)
    assert np.array_equal(before, folds.out_of_fold(vectors, truth, 4)), "the same rows give the same numbers"


def test_every_fold_sees_every_class() -> None:
    truth = np.repeat(np.arange(7), 10)
    for inside, outside in folds.splits(truth, 3):
        assert set(truth[inside]) == set(range(7)) == set(truth[outside])


def test_rows_without_a_label_are_judged_and_not_learnt_from(seed: int) -> None:
    vectors, truth = blobs(100, 3, seed)
    truth[:30] = -1
    assert all((truth[inside] >= 0).all() for inside, _ in folds.splits(truth, 0))
    probs = folds.out_of_fold(vectors, truth, 3)
    assert probs[:30].sum() > 29
    assert np.isneginf(doubts.suspicion(probs, truth)[:30]).all()
    assert not set(doubts.doubtful(probs, truth)) & set(range(30))


def test_a_single_class_says_nothing() -> None:
    assert not folds.out_of_fold(np.eye(8, dtype=np.float32), np.zeros(8, np.int64), 1).any()


def test_principal_axes_keep_distances() -> None:
    rows = np.random.default_rng(0).standard_normal((50, 300)).astype(np.float32)
    kept = folds.principal(rows, 60)
    assert kept.shape == (50, 60)
    far = [np.linalg.norm(rows[0] - rows[n]) / np.linalg.norm(kept[0] - kept[n]) for n in range(1, 50)]
    assert np.allclose(far, far[0], rtol=1e-4), "50 rows span 49 axes, so 60 hold all"
    again = folds.principal(rows * 7, 60)
    assert np.allclose(abs(again[:, :40]), abs(kept[:, :40]), atol=1e-3), (
        "the rows' own length does not matter"
    )


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.integers(2, 5))
def test_ranked_is_a_subset_in_falling_order(seed: int, classes: int) -> None:
    draw = np.random.default_rng(seed)
    probs = draw.dirichlet(np.ones(classes), 60).astype(np.float32)
    truth = draw.integers(-1, classes, 60)
    found = doubts.doubtful(probs, truth)
    assert len(set(found)) == len(found)
    assert (truth[found] >= 0).all()
    assert (np.diff(doubts.suspicion(probs, truth)[found]) <= 1e-9).all()


def test_classes_of_few_rows_are_left_alone() -> None:
    probs = np.tile(np.array([0.9, 0.1], np.float32), (40, 1))
    truth = np.array([0] * 36 + [1] * 4)
    assert doubts.doubtful(probs, truth) == []
    truth = np.array([0] * 35 + [1] * 5)
    assert doubts.doubtful(probs, truth) == list(range(35, 40))
