"""The page: whole, self-contained, and rows stay text."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from evaluation import QUEUES, predictions, sample_report
from pages import ATTACK, Reader
from tunesmith.evaluate import plots, report, svg
from tunesmith.parts import Predictions


@pytest.fixture(scope="module")
def value() -> dict:
    return sample_report()


@pytest.fixture(scope="module")
def page(value: dict) -> str:
    return report.render(value)


def test_every_section_is_there(page: str, value: dict) -> None:
    reader = Reader(page)
    assert reader.stack == []
    for anchor in (
        "ladder", "test", "gate", "classes", "confusion", "calibration", "curves",
        "worst", "suspects", "data", "method",
    ):  # fmt: skip
        assert f'id="{anchor}"' in page and f'href="#{anchor}"' in page
    assert reader.tags.count("svg") >= 6 + 3 * len(QUEUES)
    for words in (
        "Better than guessing",
        "skipped: would take about 9 min",
        "L203",
        "20 % more training rows",
    ):
        assert words in page


def test_nothing_from_outside_and_no_script(page: str) -> None:
    reader = Reader(page)
    assert not {"script", "link", "iframe", "object", "img"} & set(reader.tags)
    assert not {name for name in reader.attributes if name.startswith("on") or name == "src"}
    assert not re.search(r"(?:https?:)?//\w|url\(|@import", page)
    assert "default-src 'none'" in page


def test_rows_stay_text() -> None:
    labels = tuple(f"{ATTACK}{i}" for i in range(3))
    found = predictions(60, 1.0, labels=labels, prior=None)
    value = sample_report(found, texts=(ATTACK,))
    value["title"] = value["model"] = value["chosen"] = value["recipe"] = ATTACK
    value["verdict"] = {"outcome": "cannot-tell", "sentence": ATTACK}
    value["data"]["findings"][0]["message"] = value["data"]["source"] = ATTACK
    value["data"]["mapping"][0]["column"] = value["ladder"][0]["detail"] = value["ladder"][-1]["skipped"] = (
        ATTACK
    )
    value["lineage"] = value["environment"] = {ATTACK: ATTACK}
    page = report.render(value)
    reader = Reader(page)
    assert reader.stack == [] and not {"script", "img"} & set(reader.tags)
    assert "<script" not in page and "<img" not in page and "onerror" not in reader.attributes
    assert page.count("&lt;script&gt;") > 50 and "{{ 7*7 }}" in page


def test_many_labels_list_pairs_instead_of_a_matrix() -> None:
    labels = tuple(f"intent {i}" for i in range(77))
    page = report.render(sample_report(predictions(600, 3.0, labels=labels, prior=None)))
    assert "with 77 labels a matrix can" in page and "The other 62 classes" in page
    assert 'aria-label="Confusion matrix"' not in page and len(page) < 400_000


def test_a_title_alone_is_a_page() -> None:
    page = report.render({"title": "nothing yet"})
    assert Reader(page).stack == [] and "nothing yet" in page and 'id="ladder"' not in page


@pytest.mark.parametrize(
    "missing", ["test", "ladder", "calibration", "data_curve", "training", "confusion", "data"]
)
def test_any_section_may_be_missing(value: dict, missing: str) -> None:
    assert Reader(report.render({k: v for k, v in value.items() if k != missing})).stack == []


def test_json_is_the_same_report(value: dict, page: str) -> None:
    again = json.loads(report.to_json(value))
    assert again["test"]["chosen"]["macro_f1"] == value["test"]["chosen"]["macro_f1"]
    assert report.render(again) == page


def test_corners_of_the_evidence() -> None:
    whole = predictions(40, 1.0)
    corners = (
        whole.take(np.array([0])),
        predictions(30, 60.0),  # nothing wrong
        Predictions(whole.labels, whole.probs, whole.guess, np.full(40, -1), whole.groups, whole.rows),
        whole.take(np.array([], dtype=int)),
    )
    for found in corners:
        n = len(found.rows)
        value = {"title": "t", **report.about(found, ["x"] * n, ["f:1"] * n)}
        assert Reader(report.render(json.loads(report.to_json(value)))).stack == []


def test_worst_errors_are_the_surest() -> None:
    found = predictions(200, 1.0)
    rows = report.worst(found, [f"text {i}" for i in range(200)], [f"f.csv:{i}" for i in range(200)], 5)
    sure = [row["confidence"] for row in rows]
    assert len(rows) == 5 and sure == sorted(sure, reverse=True)
    assert all(row["label"] != row["guess"] for row in rows)


def test_long_rows_and_long_runs_stay_readable(value: dict) -> None:
    long = {**value, "worst": [{**value["worst"][0], "text": "word " * 10_000}]}
    long["training"] = {"loss": [[step, 1 / step] for step in range(1, 20_000)], "validation": []}
    page = report.render(long)
    assert len(page) < 120_000 and "(50,000 characters)" in page and "training loss over step" in page


def test_scores_may_be_unknown(value: dict) -> None:
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    holes = json.loads(report.to_json(value))
    holes["test"]["chosen"] = dict.fromkeys(holes["test"]["chosen"], nothing)
    holes["ladder"][1]["scores"] = {"macro_f1": nothing}
    holes["differences"][0] |= {"value": None, "low": None, "high": None}
    holes["data_curve"]["points"] = [{"rows": 10, "score": nothing}]
    holes["calibration"]["ece"] = nothing
    assert Reader(report.render(holes)).stack == []


def test_an_unknown_label_is_a_row_of_the_matrix() -> None:
    found = predictions(60, 2.0)
    truth = found.truth.copy()
    truth[:5] = -1
    changed = Predictions(found.labels, found.probs, found.guess, truth, found.groups, found.rows)
    about = report.about(changed, ["x"] * 60, ["f:1"] * 60)
    assert about["confusion"]["labels"][-1] == "(unknown label)"
    assert sum(about["confusion"]["counts"][-1]) == 5 and len(about["confusion"]["counts"][0]) == 8
    assert any(row["label"] == "(unknown label)" for row in about["worst"])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.83, 0.91, [0.84, 0.86, 0.88, 0.9]), (3, 3, [3])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert svg.ticks(low, high) == pytest.approx(expected)


def test_plots_have_words_for_readers() -> None:
    svg = plots.reliability([(0.9, 0.8, 10), (0.5, 0.5, 1)])
    assert 'role="img"' in svg and "<title>Reliability</title>" in svg and "<desc>" in svg
    assert "<b>" not in plots.heat_map(["<b>", "c"], [[1, 0], [0, 2]])
    assert "nan" not in plots.data_curve([(10, 0.5, None, None)], [], "F1")
    assert "nan" not in plots.series([(1, 0.5)], "step", "loss", "one", 1)
    assert "nan" not in plots.coverage([], None)
