"""Intervals hold what they promise: coverage, groups, corners."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation import PRIOR, QUEUES, predictions
from tunesmith.evaluate.intervals import (
    Score,
    interval,
    intervals,
    percentiles,
    resamples,
    share_score,
    wilson,
)
from tunesmith.evaluate.measure import metric
from tunesmith.parts import Predictions

METRICS = {"accuracy": metric("accuracy"), "macro_f1": metric("macro_f1")}


def guesses(truth: np.ndarray, right: np.ndarray, size: int, draw: np.random.Generator) -> Predictions:
    guess = np.where(right, truth, (truth + 1 + draw.integers(size - 1, size=len(truth))) % size)
    labels = tuple(str(i) for i in range(size))
    return Predictions(
        labels, np.eye(size)[guess], guess, truth, np.arange(len(truth)), tuple(map(str, range(len(truth))))
    )


@pytest.mark.parametrize(
    ("prior", "skill", "n"),
    [([0.6, 0.2, 0.1, 0.07, 0.03], [0.95, 0.9, 0.8, 0.7, 0.6], 300), ([1 / 30] * 30, [0.9] * 30, 400)],
    ids=["unequal", "many classes"],
)
def test_coverage_is_near_95_percent(prior: list[float], skill: list[float], n: int) -> None:
    draw = np.random.default_rng(11)

    def world(rows: int) -> Predictions:
        truth = draw.choice(len(prior), rows, p=prior)
        return guesses(truth, draw.random(rows) < np.array(skill)[truth], len(prior), draw)

    many = world(300_000)
    true = {name: m.value(many, np.ones(300_000)) for name, m in METRICS.items()}
    inside = dict.fromkeys(METRICS, 0)
    repeats = 250
    for _ in range(repeats):
        for name, score in intervals(world(n), METRICS, replicates=300).items():
            inside[name] += score.low <= true[name] <= score.high
    shares = {name: count / repeats for name, count in inside.items()}
    print("seed 11, coverage", shares)
    assert all(0.905 <= share <= 0.99 for share in shares.values())


def test_wilson_against_known_values() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_all_right_is_no_certainty() -> None:
    found = predictions(20, 50.0)
    for name in ("accuracy", "macro_f1", "mcc"):
        score = interval(found, metric(name))
        assert score.value == 1 == score.high
        assert score.low <= wilson(20, 20)[0] < 0.85


def test_all_wrong_is_no_certainty() -> None:
    found = predictions(20, 50.0)
    wrong = Predictions(
        found.labels, found.probs, (found.truth + 1) % 7, found.truth, found.groups, found.rows
    )
    score = interval(wrong, metric("accuracy"))
    assert score.value == 0 == score.low and score.high >= wilson(0, 20)[1] > 0.15


def test_one_row_one_group_no_row() -> None:
    one = predictions(50, 50.0).take(np.array([0]))
    score = interval(one, metric("accuracy"))
    assert (score.value, score.n) == (1, 1) and score.low == pytest.approx(0.2065, abs=1e-3)
    assert np.isnan(interval(one, metric("log_loss")).low)
    none = interval(one.take(np.array([], dtype=int)), metric("accuracy"))
    assert none.n == 0 and none.to_json() == {"value": None, "low": None, "high": None, "n": 0}


def test_copies_narrow_nothing() -> None:
    found = predictions(100, 1.0)
    copies = found.take(np.repeat(np.arange(100), 9))  # keeps the group ids
    plain, grouped = interval(found, METRICS["accuracy"]), interval(copies, METRICS["accuracy"])
    assert grouped.n == 900
    assert (grouped.low, grouped.high) == pytest.approx((plain.low, plain.high), abs=1e-9)
    pretended = Predictions(
        copies.labels, copies.probs, copies.guess, copies.truth, np.arange(900), copies.rows
    )
    narrow = interval(pretended, METRICS["accuracy"])
    assert narrow.high - narrow.low < 0.5 * (grouped.high - grouped.low)


def test_shares_count_groups_as_trials() -> None:
    hits = np.array([True] * 9 + [False])
    alone, together = share_score(hits, np.arange(10)), share_score(hits, np.array([0] * 9 + [1]))
    assert alone and together
    assert alone.value == together.value == 0.9 and together.low < alone.low
    assert share_score(np.array([], dtype=bool), np.array([])) is None


def test_resamples_are_a_function_of_groups_and_seed() -> None:
    groups = np.array([5, 5, 2, 9, 2])
    first, again = list(resamples(groups, 50, 3)), list(resamples(groups, 50, 3))
    assert np.array_equal(first, again) and not np.array_equal(first, list(resamples(groups, 50, 4)))
    for weights in first:
        assert weights[0] == weights[1] and weights[2] == weights[4]
        assert weights[0] + weights[2] + weights[3] == 3  # as many groups as there are
    assert list(resamples(np.array([], dtype=int))) == []


def test_small_classes_do_not_push_the_interval_down() -> None:
    draw = np.random.default_rng(0)
    drawn = draw.normal(0.85, 0.01, 4000)  # replicates centred below the value itself
    low, high = percentiles(drawn, 0.86)
    assert (low + high) / 2 > 0.86 and low <= 0.86 <= high


def test_score_survives_json() -> None:
    score = interval(predictions(60, 1.0), METRICS["macro_f1"])
    assert Score.from_json(json.loads(json.dumps(score.to_json()))) == score
    assert np.isnan(Score.from_json({"value": 1, "low": None, "high": None, "n": 1}).low)


def test_queues_and_prior_belong_together() -> None:
    assert len(QUEUES) == len(PRIOR) and sum(PRIOR) == pytest.approx(1)
