"""The verdict is honest: random labels are not 'better', a true signal is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation import PRIOR, QUEUES, constant, predictions
from tunesmith.evaluate.measure import metric
from tunesmith.evaluate.verdict import permuted_scores, strongest_trivial, verdict
from tunesmith.parts import Predictions

MACRO = metric("macro_f1")
COUNTS = {label: round(1000 * share) for label, share in zip(QUEUES, PRIOR, strict=True)}


def blind(seed: int, n: int = 150) -> Predictions:
    """A model of random labels: its guesses know the label frequencies and nothing else."""
    draw = np.random.default_rng(seed)
    truth, guess = draw.choice(7, n, p=PRIOR), draw.choice(7, n, p=PRIOR)
    return Predictions(QUEUES, np.eye(7)[guess], guess, truth, np.arange(n), tuple(map(str, range(n))))


def test_random_labels_are_better_at_most_ten_times_in_200() -> None:
    outcomes = [
        verdict(blind(seed), COUNTS, {}, MACRO, permutations=400, replicates=20).outcome
        for seed in range(200)
    ]
    counts = {kind: outcomes.count(kind) for kind in sorted(set(outcomes))}
    print("seeds 0-199", counts)
    assert counts.get("better", 0) <= 10


def test_random_labels_in_groups_are_not_better() -> None:
    better = 0
    for seed in range(60):
        one = blind(seed, 30).take(np.repeat(np.arange(30), 6))  # each row six times
        better += verdict(one, COUNTS, {}, MACRO, permutations=300, replicates=20).outcome == "better"
    print("seeds 0-59, groups of six:", better)
    assert better <= 5


def test_true_signal_is_better() -> None:
    found = verdict(predictions(150, 2.0), COUNTS, {}, MACRO)
    assert found.outcome == "better" and found.numbers["p"] <= 0.001
    assert "Better than guessing" in found.sentence and "150 test rows" in found.sentence


def test_always_the_same_answer_is_not_better() -> None:
    found = verdict(constant(predictions(300)), COUNTS, {}, metric("accuracy"))
    assert found.outcome == "not-better" and "always answering 'billing'" in found.sentence


def test_few_rows_cannot_tell_and_say_how_many_would() -> None:
    found = verdict(predictions(12, 0.7, seed=9), COUNTS, {}, MACRO)
    assert found.outcome == "cannot-tell"
    more = found.numbers["more_rows"]
    assert more and 1 <= more <= 1200 and f"about {more:,} more test rows" in found.sentence


def test_baselines_are_named_with_their_difference() -> None:
    chosen, linear = predictions(500, 3.0, noise=1), predictions(500, 1.5, noise=2)
    sentence = verdict(chosen, COUNTS, {"linear": linear}, MACRO, permutations=200).sentence
    assert "It is better than linear (+0." in sentence


def test_less_is_better_works_too() -> None:
    found = verdict(predictions(200, 2.0), COUNTS, {}, metric("log_loss"), name="log loss", permutations=200)
    assert found.outcome == "better"


def test_no_rows_one_row_one_class() -> None:
    found = predictions(50, 2.0)
    assert verdict(found.take(np.array([], dtype=int)), COUNTS, {}, MACRO).outcome == "cannot-tell"
    assert verdict(found.take(np.array([0])), COUNTS, {}, MACRO).outcome in ("not-better", "cannot-tell")
    same = found.take(np.flatnonzero(found.truth == 0))
    assert verdict(same, COUNTS, {}, MACRO, permutations=100).outcome != "better"
    unknown = Predictions(found.labels, found.probs, found.guess, np.full(50, -1), found.groups, found.rows)
    assert verdict(unknown, COUNTS, {}, MACRO, permutations=100).outcome != "better"


def test_strongest_trivial_matches_the_closed_form() -> None:
    found = predictions(4000)
    share = np.bincount(found.truth, minlength=7) / 4000
    name, value = strongest_trivial(found, COUNTS, metric("accuracy"))
    assert name == "always answering 'billing'" and value == pytest.approx(share.max())
    name, value = strongest_trivial(found, COUNTS, MACRO)
    expected = float(np.mean(2 * np.array(PRIOR) * share / (np.array(PRIOR) + share)))
    assert name == "guessing by label frequency" and value == pytest.approx(expected, abs=0.004)


def test_shuffles_keep_label_counts_and_groups_together() -> None:
    seen = []

    class Spy:
        better = 1

        def value(self, predictions: Predictions, weights: np.ndarray) -> float:
            seen.append(predictions.truth.copy())
            return 0.0

    found = predictions(30).take(np.repeat(np.arange(30), 4))
    permuted_scores(found, Spy(), 20, 1)  # pyright: ignore[reportArgumentType]
    for truth in seen:
        assert np.array_equal(np.sort(truth), np.sort(found.truth))
        assert (truth.reshape(30, 4) == truth.reshape(30, 4)[:, :1]).all()
    assert not np.array_equal(seen[0], seen[1])


def test_the_same_seed_gives_the_same_verdict() -> None:
    first, second = (verdict(predictions(80, 0.5), COUNTS, {}, MACRO, permutations=200) for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first.to_json()))["outcome"] == first.outcome
