"""What every metric must do, run over the folder (and so over plug-ins)."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation import constant, predictions
from tunesmith import catalog
from tunesmith.evaluate.predictions import take
from tunesmith.parts import Metric, Predictions

FOUND = {name: part for name, part in catalog.parts("metric").items() if part.predicts == "label"}


@pytest.fixture(params=FOUND, ids=list(FOUND))
def metric(request: pytest.FixtureRequest) -> Metric:
    return FOUND[request.param]()


def test_it_is_a_final_part_with_a_sentence(metric: Metric) -> None:
    name = next(name for name, part in FOUND.items() if part is type(metric))
    assert type(metric).__mro__[1] is Metric and metric.better in (1, -1)
    assert catalog.summary("metric", name).endswith(".")


def test_a_weight_is_a_repetition(metric: Metric) -> None:
    found = predictions(120, 1.0)
    weights = np.random.default_rng(3).integers(0, 4, 120)
    repeated = take(found, np.repeat(np.arange(120), weights))
    value = metric.value(found, weights.astype(float))
    assert value == pytest.approx(metric.value(repeated, np.ones(weights.sum())), abs=1e-9)
    assert value == pytest.approx(metric.value(found, 7.0 * weights), abs=1e-9)


def test_the_order_of_rows_does_not_matter(metric: Metric) -> None:
    found = predictions(120, 1.0)
    shuffled = take(found, np.random.default_rng(4).permutation(120))
    assert metric.value(found, np.ones(120)) == pytest.approx(metric.value(shuffled, np.ones(120)), abs=1e-9)


def test_better_points_the_right_way(metric: Metric) -> None:
    found = predictions(300, 1.0)
    sure = np.eye(len(found.labels))
    perfect = Predictions(found.labels, sure[found.truth], found.truth, found.truth, found.groups, found.rows)
    wrong = (found.truth + 1) % len(found.labels)
    worst = Predictions(found.labels, sure[wrong], wrong, found.truth, found.groups, found.rows)
    values = [metric.better * metric.value(p, np.ones(300)) for p in (perfect, found, worst)]
    assert values[0] > values[1] > values[2]


def test_corners_are_finite_or_nan_and_never_raise(metric: Metric) -> None:
    one = predictions(1)
    assert np.isfinite(metric.value(one, np.ones(1)))
    assert np.isfinite(metric.value(constant(predictions(50)), np.ones(50)))
    lost = Predictions(one.labels, one.probs, one.guess, np.array([-1]), one.groups, one.rows)
    assert np.isfinite(metric.value(lost, np.ones(1)))
    with np.errstate(all="raise"):
        assert np.isnan(metric.value(one, np.zeros(1)))
        assert np.isnan(metric.value(take(one, np.array([], dtype=int)), np.zeros(0)))


def test_it_is_fast(metric: Metric) -> None:
    import time

    found, weights = predictions(3000, 1.0), np.ones(3000)
    start = time.perf_counter()
    for _ in range(20):
        metric.value(found, weights)
    assert (time.perf_counter() - start) / 20 < 0.01  # a thousand replicates in ten seconds at the very most
