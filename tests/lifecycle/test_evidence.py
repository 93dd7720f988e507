"""Evidence: made once, only where it is asked for, and a reason where it can't be had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.rows import records
from tunesmith import doors
from tunesmith.data.contents.chat import Chat
from tunesmith.data.contents.labelled import Labelled
from tunesmith.events import Note
from tunesmith.lifecycle import evidence
from tunesmith.lifecycle.known import Known, Unavailable, Wanted

ASKS = {"billing": "I was charged twice for order", "bug": "the screen stays black after update"}


def rows(count: int = 60) -> list:
    names = list(ASKS)
    return records(*((f"{ASKS[names[n % 2]]} {n}", names[n % 2]) for n in range(count)))


def drained(events: Any) -> tuple[list, Any]:
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as ended:
            return seen, ended.value


def test_dear_evidence_is_left_out_with_one_reason() -> None:
    needs = frozenset({"embeddings", "out_of_fold", "classes", "sides"})
    events, known = drained(evidence.gather(rows(), Labelled(), Wanted(), needs))
    assert known == {}
    assert [event.text for event in events if isinstance(event, Note)] == [
        "likely wrong labels and outliers are not looked for; `tunesmith data check data.csv --deep` does (minutes)"
    ]


def test_without_torch_n_grams_say_what_they_think(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    has = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "torch" and has(library))
    needs = frozenset({"out_of_fold", "classes", "embeddings"})
    wanted = Wanted(deep=True, home=tmp_path)
    events, known = drained(evidence.gather(rows(), Labelled(), wanted, needs))
    assert known["classes"] == ["billing", "bug"]
    guess = known["out_of_fold"].argmax(axis=1)
    assert (guess == np.arange(60) % 2).mean() > 0.95
    assert "embeddings" not in known
    assert any("torch" in event.text for event in events if isinstance(event, Note))


def test_each_is_made_once() -> None:
    made = []

    def maker(known: Known) -> str:
        made.append(known)
        return "value"

    known = Known(rows(), Labelled(), Wanted(), {"thing": maker})
    assert [drained(known.get("thing"))[1] for _ in range(3)] == ["value"] * 3
    assert len(made) == 1


def test_sides_and_the_labels_of_the_test_side() -> None:
    given = records(("a", "x"), ("b", "y"), ("c", "z"))
    for row, side in zip(given, ("train", "", "testing"), strict=True):
        row.fields["split"] = side
    needs = frozenset({"sides", "test_labels"})
    known = drained(evidence.gather(given, Labelled(), Wanted(test=records(("d", "q"))), needs))[1]
    assert known["sides"].tolist() == ["train", "", "test"]
    assert known["test_labels"] == {"z": 1, "q": 1}


@pytest.mark.parametrize("labels", [["x"] * 30, [str(n) for n in range(30)], [""] * 30])
def test_labels_that_are_no_classes_are_no_evidence(labels: list[str]) -> None:
    given = records(*((f"text {n}", label) for n, label in enumerate(labels)))
    known = Known(given, Labelled(), Wanted(deep=True), evidence.PROVIDERS)
    with pytest.raises(Unavailable, match="labels"):
        drained(known.get("classes"))


def test_needed_is_what_checks_of_the_content_need() -> None:
    assert {"out_of_fold", "classes", "embeddings"} <= evidence.needed(Labelled())
    assert "out_of_fold" not in evidence.needed(Chat())


@pytest.mark.neural
def test_vectors_are_kept_and_wrong_labels_found(tmp_path: Any) -> None:
    given = rows(120)
    given[7].fields["label"] = "billing"
    wanted = Wanted(deep=True, offline=True, home=tmp_path)
    needs = frozenset({"out_of_fold", "classes", "embeddings"})
    known = drained(evidence.gather(given, Labelled(), wanted, needs))[1]
    assert known["embeddings"].shape[0] == 120
    assert known["out_of_fold"][7].argmax() == 1
    again, _ = drained(evidence.gather(given, Labelled(), wanted, needs))
    assert any("all known from before" in getattr(event, "detail", "") for event in again)
