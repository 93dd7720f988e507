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


def test_the_rows_own_length_and_place_do_not_matter(seed: int) -> None:
    vectors, truth = blobs(200, 4, seed)
    plain, moved = folds.out_of_fold(vectors, truth, 4), folds.out_of_fold(vectors * 7 + 3, truth, 4)
    assert np.allclose(plain, moved, atol=2e-3)


def test_probabilities_are_as_sure_as_they_are_right(seed: int) -> None:
    vectors, truth = blobs(900, 6, seed)
    noise = np.random.default_rng(seed).standard_normal(vectors.shape).astype(np.float32)
    probs = folds.out_of_fold(vectors + 2 * noise, truth, 6)
    right = (probs.argmax(axis=1) == truth).mean()
    print(f"right {right:.3f}, sure {probs.max(axis=1).mean():.3f}")
    assert abs(probs.max(axis=1).mean() - right) < 0.05


def test_a_class_that_a_fold_has_not_seen_gets_nothing(seed: int) -> None:
    vectors, truth = blobs(60, 3, seed)
    truth[truth == 2] = 0
    truth[5] = 2
    probs = folds.out_of_fold(vectors, truth, 3)
    assert probs[5, 2] == 0
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-4)


def test_wrong_labels_of_rows_with_several_are_found(seed: int) -> None:
    draw = np.random.default_rng(seed)
    marks = draw.integers(0, 2, (500, 4))
    axes = draw.standard_normal((4, 24)) * 3
    vectors = (marks @ axes + draw.standard_normal((500, 24))).astype(np.float32)
    wrong = draw.random(marks.shape) < 0.03
    given_marks = np.where(wrong, 1 - marks, marks)
    given_marks[0] = -1
    probs = folds.of_each(vectors, given_marks)
    found = doubts.doubtful_of_each(probs, given_marks)
    hits = [wrong[row, label] for row, label in found]
    print(f"precision {np.mean(hits):.3f} recall {np.sum(hits) / wrong[1:].sum():.3f}")
    assert np.mean(hits) > 0.9
    assert np.sum(hits) / wrong[1:].sum() > 0.8
    assert not any(row == 0 for row, _ in found)
    scores = doubts.of_each(probs, given_marks)
    assert (np.diff([scores[each] for each in found]) <= 1e-9).all()


def test_a_label_that_few_rows_have_is_left_alone() -> None:
    marks = np.zeros((40, 1), np.int64)
    marks[:4] = 1
    probs = np.full((40, 1), 0.01, np.float32)
    assert doubts.doubtful_of_each(probs, marks) == []
    marks[4] = 1
    assert [row for row, _ in doubts.doubtful_of_each(probs, marks)] == [0, 1, 2, 3, 4]


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
