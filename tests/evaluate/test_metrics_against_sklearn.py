"""Every metric equals scikit-learn's, with weights as with repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from tunesmith.evaluate.measure import metric
from tunesmith.parts import Predictions

SEEDS = range(8)


def random_predictions(seed: int, unknown: bool = False) -> tuple[Predictions, np.ndarray]:
    draw = np.random.default_rng(seed)
    n, size = int(draw.integers(5, 300)), int(draw.integers(2, 12))
    probs = draw.dirichlet(np.full(size, 0.5), n)
    truth = np.where(draw.random(n) < 0.5, probs.argmax(1), draw.integers(size, size=n))
    if unknown:
        truth = np.where(draw.random(n) < 0.1, -1, truth)
    found = Predictions(
        tuple(f"c{i}" for i in range(size)),
        probs,
        probs.argmax(1),
        truth,
        np.arange(n),
        tuple(map(str, range(n))),
    )
    return found, draw.integers(0, 4, n).astype(float)


def expected(name: str, found: Predictions, weights: np.ndarray) -> float:
    truth, guess = found.truth, found.guess
    if name in ("accuracy", "micro_f1", "micro_precision", "micro_recall"):
        return float(reference.accuracy_score(truth, guess, sample_weight=weights))
    if name == "balanced_accuracy":
        kept = weights > 0
        return float(reference.balanced_accuracy_score(truth[kept], guess[kept], sample_weight=weights[kept]))
    if name == "mcc":
        return float(reference.matthews_corrcoef(truth, guess, sample_weight=weights))
    average, _, kind = name.partition("_")
    score = {
        "f1": reference.f1_score,
        "precision": reference.precision_score,
        "recall": reference.recall_score,
    }[kind]
    labels = np.unique(truth[weights > 0])
    return float(score(truth, guess, labels=labels, average=average, sample_weight=weights, zero_division=0))


NAMES = [
    "accuracy", "balanced_accuracy", "mcc",
    *(f"{a}_{k}" for a in ("macro", "micro", "weighted") for k in ("f1", "precision", "recall")),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_label_metrics(name: str, seed: int, unknown: bool) -> None:
    found, weights = random_predictions(seed, unknown)
    assert metric(name).value(found, weights) == pytest.approx(expected(name, found, weights), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_log_loss_and_brier(seed: int) -> None:
    found, weights = random_predictions(seed)
    labels = list(range(len(found.labels)))
    loss = reference.log_loss(found.truth, found.probs, sample_weight=weights, labels=labels)
    assert metric("log-loss").value(found, weights) == pytest.approx(loss, rel=1e-9)
    brier = reference.brier_score_loss(
        found.truth, found.probs, sample_weight=weights, labels=labels, scale_by_half=False
    )
    assert metric("brier").value(found, weights) == pytest.approx(brier, rel=1e-9)


def test_ece_by_hand() -> None:
    # one bin (0.9 to 0.933) of four rows, three right: |0.75 - 0.92|; one bin of one right row at 0.6
    probs = np.array([[0.92, 0.08]] * 4 + [[0.4, 0.6]])
    truth = np.array([0, 0, 0, 1, 1])
    found = Predictions(("a", "b"), probs, probs.argmax(1), truth, np.arange(5), tuple("vwxyz"))
    assert metric("ece").value(found, np.ones(5)) == pytest.approx((4 * 0.17 + 0.4) / 5)


def test_an_unknown_label_counts_as_wrong_everywhere() -> None:
    probs = np.array([[0.9, 0.1], [0.2, 0.8]])
    found = Predictions(("a", "b"), probs, probs.argmax(1), np.array([0, -1]), np.arange(2), ("x", "y"))
    ones = np.ones(2)
    assert metric("accuracy").value(found, ones) == 0.5
    assert metric("macro-f1").value(found, ones) == 0.5
    assert metric("log-loss").value(found, ones) > 15
    assert metric("brier").value(found, ones) == pytest.approx((0.02 + 1 + 0.04 + 0.64) / 2)
