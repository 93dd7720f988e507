"""Verdicts on abilities: lost and gained need an interval without zero, kept needs a narrow one."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.evaluate import measure, retention
from tunesmith.outcomes import Answer, Answers, Likelihood


def told(losses: np.ndarray) -> Answers:
    rows = tuple(f"{number:x}" for number in range(len(losses)))
    answers = tuple(Answer("", likelihood=Likelihood(10 * float(loss), 10, 5, 20)) for loss in losses)
    return Answers(answers, ((),) * len(rows), rows, np.arange(len(rows)), rows)


def judged(change: float, spread: float, rows: int = 80) -> retention.Ability:
    rng = np.random.default_rng(3)
    before = rng.normal(2.0, 0.3, rows)
    after = before + change + rng.normal(0, spread, rows)
    return retention.ability("stories", "loss", measure.metric("loss"), told(before), told(after))


@pytest.mark.parametrize(
    ("change", "spread", "verdict"),
    [(0.5, 0.1, "lost"), (-0.5, 0.1, "gained"), (0.0, 0.01, "kept"), (0.0, 1.0, "cannot-tell")],
)
def test_the_verdict_follows_the_paired_interval(change: float, spread: float, verdict: str) -> None:
    found = judged(change, spread)
    assert found.verdict == verdict
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert found.to_json()["difference"]["n"] == 80


def test_the_rise_is_relative_and_the_sentence_says_before_and_after() -> None:
    found = judged(0.5, 0.0)
    assert found.rise == pytest.approx(0.5 / found.before.value)
    assert (
        "stories: lost in part (loss 1.971 before, 2.471 after" in found.sentence and "n 80" in found.sentence
    )


def test_the_summary_names_what_is_lost_before_what_nobody_can_tell() -> None:
    lost, unsure, kept = judged(0.5, 0.1), judged(0.0, 1.0), judged(0.0, 0.01)
    assert retention.summary([lost, unsure]) == "Measurably forgotten: stories."
    assert "can't tell: stories" in retention.summary([unsure, kept])
    assert retention.summary([kept]) == "Nothing is forgotten that was looked at."
