"""What every metric must do, run over the folder (and so over plug-ins)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import answering
from evaluation import constant, predictions
from tunesmith import catalog
from tunesmith.parts import Metric, Outcomes, Predictions, TextMetric

FOUND = catalog.parts("metric")


@pytest.fixture(params=FOUND, ids=list(FOUND))
def metric(request: pytest.FixtureRequest) -> Metric:
    return FOUND[request.param]()


def rows(metric: Metric, n: int) -> Any:
    """What the metric judges, of n rows."""
    return answering.answers(n) if metric.predicts == "text" else predictions(n, 1.0)


def none_of(metric: Metric) -> Outcomes:
    return rows(metric, 3).take(np.array([], dtype=int))


def test_it_is_a_final_part_with_a_sentence(metric: Metric) -> None:
    name = next(name for name, part in FOUND.items() if part is type(metric))
    contract = TextMetric if isinstance(metric, TextMetric) else Metric
    assert type(metric).__mro__[1] is contract and metric.better in (1, -1)
    assert metric.predicts in ("label", "text") and (contract is Metric or metric.predicts == "text")
    assert catalog.summary("metric", name).endswith(".")


def test_a_weight_is_a_repetition(metric: Metric) -> None:
    found = rows(metric, 120)
    weights = np.random.default_rng(3).integers(0, 4, 120)
    repeated = found.take(np.repeat(np.arange(120), weights))
    value = metric.value(found, weights.astype(float))
    assert value == pytest.approx(metric.value(repeated, np.ones(weights.sum())), abs=1e-9)
    assert value == pytest.approx(metric.value(found, 7.0 * weights), abs=1e-9)


def test_the_order_of_rows_does_not_matter(metric: Metric) -> None:
    found = rows(metric, 120)
    shuffled = found.take(np.random.default_rng(4).permutation(120))
    assert metric.value(found, np.ones(120)) == pytest.approx(metric.value(shuffled, np.ones(120)), abs=1e-9)


def _labels() -> list[Outcomes]:
    found = predictions(300, 1.0)
    sure = np.eye(len(found.labels))
    wrong = (found.truth + 1) % len(found.labels)
    return [
        Predictions(found.labels, sure[found.truth], found.truth, found.truth, found.groups, found.rows),
        found,
        Predictions(found.labels, sure[wrong], wrong, found.truth, found.groups, found.rows),
    ]


def test_better_points_the_right_way(metric: Metric) -> None:
    texts = metric.predicts == "text"
    ranked = [answering.answers(300, share) for share in (1.0, 0.6, 0.0)] if texts else _labels()
    values = [metric.better * metric.value(each, np.ones(300)) for each in ranked]
    assert values[0] > values[1] > values[2]


def _label_corners() -> list[Outcomes]:
    one = predictions(1)
    lost = Predictions(one.labels, one.probs, one.guess, np.array([-1]), one.groups, one.rows)
    return [one, constant(predictions(50)), lost]


def _text_corners() -> list[Outcomes]:
    return [
        answering.answers(1),
        answering.said(["", " \n", "\ud800", "<<|>>"]),
        answering.said(["fine", "", "9" * 5000, "{" * 100_000], [(), ("",), ("a", "b"), ("9" * 5000,)]),
    ]


def test_corners_are_numbers_or_nan_and_never_raise(metric: Metric) -> None:
    texts = metric.predicts == "text"
    first, *others = _text_corners() if texts else _label_corners()
    with np.errstate(all="raise"):
        assert np.isfinite(metric.value(first, np.ones(1)))
        for each in others:
            value = metric.value(each, np.ones(len(each.rows)))
            assert np.isfinite(value) or texts
        assert np.isnan(metric.value(first, np.zeros(1)))
        assert np.isnan(metric.value(none_of(metric), np.zeros(0)))


def test_it_is_fast(metric: Metric) -> None:
    found, weights = rows(metric, 3000), np.ones(3000)
    start = time.process_time()
    if isinstance(metric, TextMetric):
        metric.value(found, weights)  # reads each text once
        assert time.process_time() - start < 6  # 2 ms a row
        start = time.process_time()
    for _ in range(20):
        metric.value(found, weights)
    assert (time.process_time() - start) / 20 < 0.02  # 50 replicates a second


@pytest.mark.parametrize("name", [name for name, part in FOUND.items() if part.predicts == "text"])
def test_what_a_text_adds_is_finite_and_looked_at_once(name: str) -> None:
    metric, found = FOUND[name](), answering.answers(40)
    table = metric.statistics(found)
    assert table.dtype == np.float64 and table.shape[0] == 40 and np.isfinite(table).all()
    calls: list[int] = []

    class Counted(FOUND[name]):
        def statistics(self, answers: Any) -> np.ndarray:
            calls.append(1)
            return super().statistics(answers)

    for _ in range(3):
        Counted().value(found, np.ones(40))
    assert len(calls) == 1
