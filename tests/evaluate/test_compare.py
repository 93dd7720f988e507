"""Paired comparison: direction, rows fixed and broken, and the simplest that is good enough."""

from __future__ import annotations

import numpy as np
import pytest

from answering import reference, said
from evaluation import predictions
from tunesmith.errors import DataError
from tunesmith.evaluate.compare import more_rows, paired, simplest_not_worse
from tunesmith.evaluate.measure import metric
from tunesmith.parts import Predictions

MACRO = metric("macro_f1")


def with_guess(found: Predictions, guess: np.ndarray) -> Predictions:
    return Predictions(
        found.labels, np.eye(len(found.labels))[guess], guess, found.truth, found.groups, found.rows
    )


def spoiled(found: Predictions, positions: list[int]) -> Predictions:
    guess = found.guess.copy()
    guess[positions] = (found.truth[positions] + 1) % len(found.labels)
    return with_guess(found, guess)


def test_better_worse_and_symmetric() -> None:
    good, bad = predictions(400, 3.0, noise=1), predictions(400, 1.5, noise=2)
    up, down = paired(good, bad, MACRO), paired(bad, good, MACRO)
    assert up.outcome == "better" and down.outcome == "worse" and up.low > 0 > down.high
    assert (up.value, up.fixed, up.broken) == (-down.value, down.broken, down.fixed)
    assert up.more_rows is None


def test_less_can_be_better() -> None:
    good, bad = predictions(400, 3.0, noise=1), predictions(400, 1.5, noise=2)
    difference = paired(good, bad, metric("log_loss"))
    assert difference.value < 0 and difference.high < 0 and difference.outcome == "better"


def test_fixed_and_broken_are_row_keys() -> None:
    perfect = with_guess(predictions(50), predictions(50).truth)
    a, b = spoiled(perfect, [3]), spoiled(perfect, [3, 7, 9])
    difference = paired(a, b, metric("accuracy"))
    assert difference.fixed == (a.rows[7], a.rows[9]) and difference.broken == ()
    assert difference.value == pytest.approx(0.04) and difference.outcome == "cannot-tell"
    assert difference.to_json()["fixed"] == list(difference.fixed)


def test_five_rows_never_tell() -> None:
    perfect = with_guess(predictions(2000), predictions(2000).truth)
    five = paired(perfect, spoiled(perfect, list(range(5))), metric("accuracy"))
    twelve = paired(perfect, spoiled(perfect, list(range(12))), metric("accuracy"))
    assert five.outcome == "cannot-tell" and twelve.outcome == "better"


def test_copies_of_a_row_do_not_tell() -> None:
    perfect = with_guess(predictions(60), predictions(60).truth)
    copies = perfect.take(np.repeat(np.arange(60), 10))
    worse = spoiled(copies, list(range(20)))  # two groups of ten rows
    assert paired(copies, worse, metric("accuracy")).outcome == "cannot-tell"


def test_the_same_model_is_not_different() -> None:
    found = predictions(200)
    difference = paired(found, found, MACRO)
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert difference.outcome == "cannot-tell" and difference.more_rows is None


def test_false_alarms_are_rare() -> None:
    told = 0
    for seed in range(100):
        a, b = predictions(300, 2.0, seed=seed, noise=1), predictions(300, 2.0, seed=seed, noise=2)
        told += paired(a, b, MACRO, replicates=200).outcome != "cannot-tell"
    print("seeds 0-99, told apart though equal:", told)
    assert told <= 11


def test_other_rows_and_other_truth_are_refused() -> None:
    found = predictions(40)
    with pytest.raises(DataError) as rows:
        paired(found, found.take(np.arange(39)), MACRO)
    assert rows.value.code == "G820" and "1 in one only" in rows.value.found
    other = Predictions(
        found.labels, found.probs, found.guess, np.roll(found.truth, 1), found.groups, found.rows
    )
    with pytest.raises(DataError) as truth:
        paired(found, other, MACRO)
    assert truth.value.code == "G821" and truth.value.where in found.rows


def test_models_with_other_label_orders_compare() -> None:
    found = predictions(200)
    turned = np.arange(7)[::-1]
    other = Predictions(
        tuple(found.labels[i] for i in turned),
        found.probs[:, turned],
        6 - found.guess,
        6 - found.truth,
        found.groups,
        found.rows,
    )
    assert paired(found, other, MACRO).value == pytest.approx(0)


def test_more_rows() -> None:
    assert more_rows(100, 0.1, 0.2) == 300  # half the margin needs four times the rows
    assert more_rows(100, 0.0, 0.2) is None and more_rows(100, 0.001, 0.2) is None
    assert more_rows(100, 0.1, float("nan")) is None


def test_simplest_not_worse() -> None:
    weak, middle, best = (predictions(500, s, noise=i) for i, s in enumerate((1.0, 2.6, 2.7)))
    rungs = [("majority", weak), ("linear", middle), ("tune", best)]
    assert simplest_not_worse(rungs, MACRO) == 1
    assert simplest_not_worse(rungs[:1], MACRO) == 0
    assert simplest_not_worse([("tune", best), ("weak", weak)], MACRO) == 0
    strong = predictions(500, 5.0, noise=9)
    assert simplest_not_worse([*rungs, ("full", strong)], MACRO) == 3


def test_answers_that_are_never_word_for_word_right_can_still_be_better() -> None:
    """The sign test asks in how many rows a score differs, not in how many one model is exactly right."""
    near = said([reference(row)[:-9] for row in range(40)])
    far = said([f"no idea {row}" for row in range(40)])
    chrf = metric("chrf")
    assert not near.hits.any() and not far.hits.any()
    assert paired(near, far, chrf).outcome == "better" and paired(far, near, chrf).outcome == "worse"
    assert simplest_not_worse([("far", far), ("near", near)], chrf) == 1
    few = said([reference(0)[:-9], *(f"no idea {row}" for row in range(1, 40))])
    assert paired(few, far, chrf).outcome == "cannot-tell"
