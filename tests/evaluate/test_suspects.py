"""Planted wrong labels come first."""

from __future__ import annotations

import numpy as np

from evaluation import predictions
from tunesmith.evaluate.suspects import likely_wrong, suspects
from tunesmith.fields import Record
from tunesmith.findings import Place
from tunesmith.inputs.doubts import doubtful, suspicion


def planted(n: int = 2000, share: float = 0.05) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = predictions(n, 3.0)
    draw = np.random.default_rng(8)
    wrong = draw.random(n) < share
    labels = np.where(wrong, (found.truth + draw.integers(1, 7, n)) % 7, found.truth)
    return found.probs, labels, wrong


def test_the_first_rows_hold_most_of_them() -> None:
    probs, labels, wrong = planted()
    order = np.argsort(-suspicion(probs, labels))
    first, second = (wrong[order[: int(k * len(labels))]].sum() / wrong.sum() for k in (0.05, 0.1))
    print(f"seed 8: first 5 % hold {first:.2f}, first 10 % {second:.2f}")
    assert first >= 0.6 and second >= 0.8


def test_doubtful_rows_are_mostly_wrong_and_ordered() -> None:
    probs, labels, wrong = planted()
    found = doubtful(probs, labels)
    assert 0.5 <= len(found) / wrong.sum() <= 1.5 and wrong[found].mean() > 0.6
    assert (np.diff(suspicion(probs, labels)[found]) <= 0).all()


def test_rows_without_a_known_label_are_never_suspects() -> None:
    probs, labels, _ = planted(300)
    labels[:100] = -1
    assert np.isneginf(suspicion(probs, labels)[:100]).all()
    assert min(doubtful(probs, labels)) >= 100


def test_finding_names_places_and_changes_nothing_by_itself() -> None:
    probs, labels, _ = planted(600)
    records = [Record({"text": str(i)}, Place("t.csv", i + 2), f"{i:x}") for i in range(600)]
    names = tuple("abcdefg")
    finding = likely_wrong(probs, labels, names, records)
    assert finding and finding.code == "L203" and finding.fix and not finding.fix.safe
    assert finding.count == len(finding.fix.drops) and 0 < len(finding.places) <= 20
    first = suspects(probs, labels, names, records, 1)[0]
    assert first.place == str(finding.places[0]) and first.times > 1 and first.label != first.suggested
    assert first.place in finding.message and first.to_json()["suggested"] == first.suggested


def test_clean_labels_give_no_finding() -> None:
    truth = np.arange(40) % 4
    sure = np.full((40, 4), 0.02)
    sure[np.arange(40), truth] = 0.94
    records = [Record({}, Place("t.csv", i), str(i)) for i in range(40)]
    assert likely_wrong(sure, truth, tuple("abcd"), records) is None
