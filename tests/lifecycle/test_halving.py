"""Rungs of a sweep: shares that grow, fewer that go on, time that suffices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import TrainingError
from tunesmith.evaluate.intervals import Score
from tunesmith.lifecycle import halving, kept_outcomes, rate_probe, sweep_result
from tunesmith.lifecycle.advancing import target
from tunesmith.lifecycle.space import Axis
from tunesmith.lifecycle.trials import Journal, Look, ranked
from tunesmith.outcomes import Answer, Answers, Likelihood, Predictions


@given(trials=st.integers(1, 500), eta=st.integers(1, 16))
def test_rungs_of_any_sweep(trials: int, eta: int) -> None:
    rungs = halving.shares(trials, eta)
    assert rungs[-1] == 1
    assert rungs[0] >= halving.FIRST
    assert list(rungs) == sorted(set(rungs))
    counts = [halving.kept(trials, eta, rung) for rung in range(len(rungs))]
    assert counts[0] == trials
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] >= min(trials, halving.FINALISTS)
    assert halving.runs(trials, eta, rungs) <= trials + 1e-9


def test_sixteen_trials_take_little_more_than_four_runs() -> None:
    assert halving.shares(16, 3) == (1 / 9, 1 / 3, 1)
    assert [halving.kept(16, 3, rung) for rung in range(3)] == [16, 5, 2]
    assert halving.runs(16, 3, (1 / 9, 1 / 3, 1)) == pytest.approx(16 / 9 + 10 / 9 + 4 / 3)
    assert halving.shares(16, 1) == (1,)


def test_a_budget_counts_what_a_trial_brings_in_later_rungs() -> None:
    rungs = (1 / 9, 1 / 3, 1.0)
    whole = 90.0  # seconds of a run: 10 for the first rung
    for done in range(2, 15):
        fits = halving.affordable(done, 10.0 * done, 300.0, 3, rungs)
        assert fits == (whole * halving.runs(done + 1, 3, rungs) <= 300.0)
    assert halving.affordable(1, 1e9, 1.0, 3, rungs)


@given(steps=st.integers(1, 10_000), share=st.floats(0.01, 1))
def test_a_rung_ends_within_the_schedule(steps: int, share: float) -> None:
    assert min(2, steps) <= target(steps, share) <= steps
    assert target(steps, 1.0) == steps


def look(rung: int, value: float, *, ended: bool = False) -> Look:
    score = {"accuracy": Score(value, value, value, 9), "log_loss": Score(0.5, 0.4, float("nan"), 9)}
    return Look(rung, 3, 9, score, 1.25, ended)


def labels() -> Predictions:
    probs = np.array([[0.25, 0.75], [0.1, 0.9]], np.float32)
    return Predictions(("a", "b"), probs, np.array([1, 1]), np.array([1, -1]), np.array([0, 0]), ("x", "y"))


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first, second = journal.begin({"tuning.rank": 4}), journal.begin({"tuning.rank": 8})
    journal.probe(1e-5, 1e-3)
    journal.steps(first, 9)
    journal.pause(first, 0)
    journal.see(first, look(0, 0.5), labels())
    journal.see(second, look(0, 0.75, ended=True), labels())
    journal.fail(first, TrainingError("R701", "not finite"))
    again = Journal(tmp_path)
    assert [t.to_json() for t in again.trials] == [t.to_json() for t in journal.trials]
    assert again.range == (1e-5, 1e-3)
    assert (again.trials[0].steps, again.trials[0].paused) == (9, 0)
    assert [trial.number for trial in ranked(again.trials, 0)] == [1]  # who failed has no rank
    assert again.trials[1].look(2) is again.trials[1].looks[0]  # an early end counts for the rungs above
    assert again.trials[0].look(1) is None
    assert (again.trials[1].outcomes(2).rows) == ("x", "y")


def test_the_better_loss_is_the_smaller_one_and_ties_are_broken() -> None:
    def only(loss: float) -> Look:
        return Look(0, 1, 2, {"loss": Score(loss, 0, 1, 5)}, 0.0)

    assert only(0.3).value > only(0.4).value
    assert only(float("nan")).value == -np.inf
    assert look(0, 0.5).value < look(0, 0.5 + 1e-3).value


def test_outcomes_come_back_as_they_were(tmp_path: Path) -> None:
    kept_outcomes.save(tmp_path / "a.json", labels())
    found = kept_outcomes.load(tmp_path / "a.json")
    assert isinstance(found, Predictions)
    assert (found.probs == labels().probs).all() and found.probs.dtype == np.float32
    assert (found.truth == labels().truth).all() and found.labels == ("a", "b")
    said = Answer("yes", 3, False, -1.5, Likelihood(1.0, 2.0, 1.0, 7), ("doc",))
    texts = Answers(
        (said, Answer("no")),
        (("yes",), ()),
        ("q", "r"),
        np.array([0, 1]),
        ("x", "y"),
        {"terms": np.array([[1.0, 2.0], [0.0, 0.0]])},
    )
    kept_outcomes.save(tmp_path / "b.json", texts)
    again = kept_outcomes.load(tmp_path / "b.json")
    assert isinstance(again, Answers)
    assert (again.answers, again.references, again.prompts) == (
        texts.answers,
        texts.references,
        texts.prompts,
    )
    assert (again.demands["terms"] == texts.demands["terms"]).all()


def test_the_range_ends_where_the_loss_is_lowest() -> None:
    rates = [1e-4 * step for step in range(1, 61)]
    seen = [(rate, 1.0 - min(rate, 2e-3) * 300 + max(0.0, rate - 2e-3) * 900) for rate in rates]
    low, high = rate_probe.between(seen, 6e-3)
    assert 2e-3 <= high < 3e-3  # the mean lags a few steps behind
    assert low == pytest.approx(high / rate_probe.SPAN, rel=1e-2)
    assert rate_probe.between([], 6e-3)[1] == pytest.approx(6e-3 / rate_probe.HIGHEST)
    broken = [*seen[:30], (3.1e-3, float("nan"))]
    assert rate_probe.between(broken, 6e-3)[1] <= 3e-3


def test_what_matters_is_told_with_its_chance(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(12):
        trial = journal.begin({"tuning.rank": 2 + 2 * (number % 2), "train.peak_lr": 1e-5 * (1 + number)})
        journal.see(trial, look(0, 0.1 * (1 + number)), labels())
    axes = [Axis("tuning.rank", (2, 4)), Axis("train.peak_lr", (), 1e-5, 1e-3, log=True)]
    first, second = sweep_result.importance(journal.trials, axes)
    assert (first["key"], second["key"]) == ("train.peak_lr", "tuning.rank")
    assert first["share"] > 0.8 and first["p"] < 0.05 < second["p"]
    assert {first["n"], second["n"]} == {12}
