"""The queue, answers as they stand, the honest error rate, and the rows after an audit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rows import records
from tunesmith.data import audit
from tunesmith.data.audit import Answer
from tunesmith.data.cleaning import undo

NAMES = ("billing", "bug", "other")


def made(count: int = 200, share: float = 0.2, seed: int = 1) -> tuple[list, list[audit.Item], np.ndarray]:
    truth = np.arange(count) % 3
    rows = records(*((f"text {n}", NAMES[label]) for n, label in enumerate(truth)))
    probs = np.full((count, 3), 0.05, np.float32)
    probs[np.arange(count), truth] = 0.9
    wrong = np.arange(0, count, 17)
    probs[wrong] = 0.05
    probs[wrong, (truth[wrong] + 1) % 3] = 0.9
    texts = [str(row.fields["text"]) for row in rows]
    return rows, audit.queue(rows, texts, truth, probs, NAMES, share=share, seed=seed), wrong


def test_the_most_suspicious_come_first_and_the_rest_is_drawn_by_chance() -> None:
    rows, items, wrong = made()
    assert len(items) <= 40
    assert {item.index for item in items[: len(wrong)]} == set(wrong.tolist())
    assert items[0].times > 1
    assert items[0].likely[0] == NAMES[(int(items[0].index) % 3 + 1) % 3]
    assert items[0].label not in items[0].likely
    assert sorted(item.drawn for item in items if item.drawn >= 0) == list(range(12))
    assert [item.part for item in items] == sorted((item.part for item in items), reverse=True)
    assert items[0].row == rows[items[0].index].place.id


def test_a_larger_share_keeps_the_draw() -> None:
    small, large = made(share=0.1)[1], made(share=0.5)[1]
    first = {item.row: item.drawn for item in small if item.drawn >= 0}
    assert first.items() <= {item.row: item.drawn for item in large if item.drawn >= 0}.items()


def test_rows_without_a_label_are_not_asked_about() -> None:
    rows = records(("a", "x"), ("b", ""), ("c", "y"))
    items = audit.queue(
        rows, ["a", "b", "c"], np.array([0, -1, 1]), np.ones((3, 2)) / 2, "xy", share=1.0, seed=0
    )
    assert {item.text for item in items} == {"a", "c"}


def test_the_last_answer_stands_and_undo_takes_it_back() -> None:
    said = [
        Answer("ann", "r1", "accept", "x"),
        Answer("ann", "r2", "skip"),
        Answer("ann", "r1", "relabel", "y"),
    ]
    assert {row: each.verdict for row, each in audit.standing(said)["ann"].items()} == {
        "r2": "skip",
        "r1": "relabel",
    }
    assert list(audit.standing([*said, Answer("ann", "r1", "undo")])["ann"]) == ["r2"]


def test_only_an_unbroken_beginning_of_the_draw_counts() -> None:
    _, items, wrong = made()
    drawn = sorted((item for item in items if item.drawn >= 0), key=lambda item: item.drawn)
    right = {item.row: "other" if item.index in wrong else item.label for item in drawn}
    assert audit.drawn_and_wrong(items, right)[0] == 12
    gap = {row: label for row, label in right.items() if row != drawn[3].row}
    assert audit.drawn_and_wrong(items, gap)[0] == 3
    assert audit.drawn_and_wrong(items, gap, [drawn[3].row])[0] == 11
    suspects = {item.row: "other" for item in items if item.part == "suspects" and item.drawn < 0}
    assert audit.drawn_and_wrong(items, suspects) == (0, 0)


@given(st.integers(0, 1000))
def test_the_rate_of_a_whole_draw_is_unbiased_by_suspicion(seed: int) -> None:
    _, items, wrong = made(count=120, share=1.0, seed=seed)
    right = {item.row: "something else" if item.index in wrong else item.label for item in items}
    rows, found = audit.drawn_and_wrong(items, right)
    drawn = [item for item in items if item.drawn >= 0]
    assert rows == len(drawn) == 36
    assert found == sum(item.index in wrong for item in drawn)


def test_kappa_and_who_agrees() -> None:
    given = audit.standing(
        Answer(who, f"r{n}", "relabel", label)
        for who, labels in (("ann", "xxyy"), ("bo", "xxyx"), ("cy", "?"))
        for n, label in enumerate(labels)
        if label != "?"
    )
    assert audit.kappa(given) == [("ann", "bo", 4, pytest.approx(0.5))]
    agreed, split = audit.decided(given)
    assert sorted(agreed) == ["r0", "r1", "r2"]
    assert split == ["r3"]


def test_relabelled_rows_name_who_and_when_and_can_be_undone() -> None:
    rows = records(("a", "x"), ("b", "y"), ("c", "y"))
    votes = {
        rows[0].place.id: [
            Answer("ann", "", "relabel", "y", "2026-01-02"),
            Answer("bo", "", "relabel", "y", "2026-01-03"),
        ]
    }
    votes[rows[1].place.id] = [Answer("ann", "", "accept", "y", "1")]
    after, changes = audit.relabelled(rows, "label", votes)
    assert [row.fields["label"] for row in after] == ["y", "y", "y"]
    assert [(each["who"], each["when"], each["after"]["value"]) for each in changes] == [
        (["ann", "bo"], "2026-01-03", "y")
    ]
    assert undo(after, changes) == rows
    assert after[0].key != rows[0].key
