"""Scores by name and class, and a plug-in metric that appears by itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evaluation import METRICS, predictions
from tunesmith.errors import UsageError
from tunesmith.evaluate.measure import confusion, measure, metric, metric_names, most_confused, per_class
from tunesmith.parts import Predictions

PLUGIN = '''"""Share of rows guessed to be the first label."""

from tunesmith.parts import Metric


class FirstShare(Metric):
    predicts = "{predicts}"

    def value(self, predictions, weights):
        return float(weights @ (predictions.guess == 0) / weights.sum())
'''


def task() -> Any:
    return SimpleNamespace(metrics=("macro_f1", "accuracy"), predicts="label")


def test_measure_keeps_names_and_order() -> None:
    found = predictions(200)
    scores = measure(found, METRICS)
    assert tuple(scores) == METRICS
    for name, score in scores.items():
        assert score.low <= score.value <= score.high and score.n == 200
        assert score.value == metric(name).value(found, np.ones(200))


def test_a_metric_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert metric_names(task()) == ["macro_f1", "accuracy"]
    (tmp_path / "metric").mkdir()
    (tmp_path / "metric" / "first_share.py").write_text(PLUGIN.format(predicts="label"))
    (tmp_path / "metric" / "for_chats.py").write_text(PLUGIN.format(predicts="text"))
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(tmp_path))
    assert metric_names(task()) == ["macro_f1", "accuracy", "first_share"]
    found = predictions(100)
    score = measure(found, metric_names(task()))["first_share"]
    assert score.value == (found.guess == 0).mean() and score.low < score.value < score.high


def test_a_misspelt_metric_names_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        metric("macro_f2")
    assert raised.value.code == "C103" and "macro-f1" in str(raised.value.fixes)


def test_per_class_by_hand() -> None:
    truth, guess = np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 1, 0, 0])
    found = Predictions(("a", "b", "c"), np.eye(3)[guess], guess, truth, np.arange(6), tuple("uvwxyz"))
    a, b, c = per_class(found)
    assert a.precision and a.recall and a.f1 and b.f1
    assert (a.support, a.guessed, a.precision.value, a.recall.value) == (3, 4, 0.5, pytest.approx(2 / 3))
    assert a.f1.value == pytest.approx(2 * 2 / (3 + 4)) and b.f1.value == pytest.approx(0.5)
    assert (c.support, c.precision, c.recall, c.f1) == (0, None, None, None)
    assert c.to_json()["f1"] is None
    for score in (a.precision, a.recall, a.f1, b.f1):
        assert 0 <= score.low < score.value < score.high <= 1


def test_thirteen_rows_are_no_claim() -> None:
    truth = np.array([0] * 13 + [1] * 200)
    found = Predictions(
        ("rare", "common"), np.eye(2)[truth], truth, truth, np.arange(213), tuple(map(str, range(213)))
    )
    rare, common = per_class(found)
    assert rare.f1 and common.f1 and rare.f1.value == 1 and rare.f1.low < 0.88 < common.f1.low


def test_confusion_and_pairs() -> None:
    truth, guess = np.array([0, 0, 1, 1, 1, -1]), np.array([0, 1, 0, 0, 1, 1])
    found = Predictions(("a", "b"), np.eye(2)[guess], guess, truth, np.arange(6), tuple("uvwxyz"))
    assert confusion(found).tolist() == [[1, 1], [2, 1], [0, 1]]
    assert most_confused(found) == [("b", "a", 2), ("a", "b", 1), ("(unknown label)", "b", 1)]
    assert most_confused(found, 1) == [("b", "a", 2)]
