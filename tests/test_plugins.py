"""One new file each in the folder that TUNESMITH_PLUGINS names: a metric in the report, a check among the findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith import lifecycle
from tunesmith.lifecycle import examining

METRIC = '''"""Share of rows whose label is among the two likeliest."""

import numpy as np

from tunesmith.parts import Metric, Predictions


class TopTwo(Metric):
    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        best = np.argsort(-predictions.probs, axis=1)[:, :2]
        return float(np.average((best == predictions.truth[:, None]).any(axis=1), weights=weights))
'''
CHECK = '''"""Texts that shout."""

from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Check


class Shouting(Check):
    code = "Q590"

    def start(self):
        return []

    def update(self, state, rows, evidence):
        return state + [row.place for row in rows if row.fields["text"].isupper()]

    def merge(self, first, second):
        return first + second

    def findings(self, state):
        return [Finding("Q590", "info", f"{len(state)} texts shout", len(state), tuple(state))] if state else []

    def planted(self):
        loud, calm = {"text": "HELP ME", "label": "a"}, {"text": "help me", "label": "a"}
        return [Record(loud, Place("x", 1))], [Record(calm, Place("x", 1))], {}
'''


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "rows.csv"
    texts = [(f"the cat number {n} purrs {n * n}", "cat") for n in range(40)]
    texts += [(f"the dog number {n} barks {n * n}", "dog") for n in range(40)] + [("WHERE IS MY DOG", "dog")]
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in texts))
    return str(path)


def plugin(folder: Path, kind: str, name: str, source: str) -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / f"{name}.py").write_text(source)


def test_a_metric_is_one_file_and_appears_in_the_report(
    tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(tmp_path / "plugins", "metric", "top_two", METRIC)
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(tmp_path / "plugins"))
    result = lifecycle.run(lifecycle.up(data, home=tmp_path / "home", budget=0.1))
    score = result["test"]["chosen"]["top_two"]
    assert score["value"] == 1.0
    assert score["n"] == sum(1 for _ in range(result["data"]["splits"]["test"]))
    assert "Top two" in Path(result["report"]).read_text()


def test_a_check_is_one_file_and_appears_among_the_findings(
    tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = lifecycle.run(examining.check(data))
    plugin(tmp_path / "plugins", "check", "shouting", CHECK)
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(tmp_path / "plugins"))
    found = lifecycle.run(examining.check(data))
    new = {f["code"] for f in found["findings"]} - {f["code"] for f in plain["findings"]}
    assert new == {"Q590"}
    (finding,) = [f for f in found["findings"] if f["code"] == "Q590"]
    assert finding["places"] == ["rows.csv:82 (byte 2200)"] or finding["places"][0].endswith(")")
    assert finding["count"] == 1
    json.dumps(found.to_dict())
