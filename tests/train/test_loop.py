"""The loop: same bits after any interruption, the best weights kept, no step on a gradient that is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miniature import fit, job, weights
from tunesmith import catalog
from tunesmith.errors import Interrupted, TrainingError
from tunesmith.events import Measured, Note, Saved, Step
from tunesmith.train import checkpoint, order

pytestmark = pytest.mark.neural
TUNINGS = ["full", {"name": "freeze", "layers": 1}, {"name": "lora", "rank": 4, "dropout": 0.1, "top": 1}]


def stop_after(steps: int, made: Any) -> None:
    """Run a job and ask it to stop after some steps, as Ctrl-C does."""
    taken = 0
    with pytest.raises(Interrupted) as stopped:
        for event in catalog.part("approach", "tune")().fit(made):
            taken += isinstance(event, Step)
            if taken == steps:
                made.stop.set()
    assert stopped.value.exit_code == 130


@pytest.mark.parametrize("tuning", TUNINGS, ids=["full", "freeze", "lora"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_stopped_anywhere_ends_with_the_same_bits(tmp_path: Path, tuning: Any, dtype: str) -> None:
    whole = job(tmp_path / "whole", tuning=tuning, dtype=dtype)
    steps = sum(isinstance(event, Step) for event in fit(whole))
    assert steps == 12
    for stop in (1, 4, 5, 9, 11):
        folder = tmp_path / f"stopped-{stop}"
        stop_after(stop, job(folder, tuning=tuning, dtype=dtype))
        resumed = job(folder, tuning=tuning, dtype=dtype, resume=True)
        events = fit(resumed)
        assert sum(isinstance(event, Step) for event in events) == steps - stop
        assert weights(resumed) == weights(whole), f"stopped after step {stop}"


def test_steps_and_scores_after_resuming_are_those_of_the_whole_run(tmp_path: Path) -> None:
    whole = [event for event in fit(job(tmp_path / "a")) if isinstance(event, (Step, Measured))]
    stop_after(5, job(tmp_path / "b"))
    later = [event for event in fit(job(tmp_path / "b", resume=True)) if isinstance(event, (Step, Measured))]
    assert later == whole[-len(later) :]


def test_resuming_a_run_that_is_complete_changes_nothing(tmp_path: Path) -> None:
    made = job(tmp_path)
    fit(made)
    before = weights(made)
    assert not any(isinstance(event, Step) for event in fit(job(tmp_path, resume=True)))
    assert weights(made) == before


def test_a_damaged_newest_checkpoint_is_named_set_aside_and_the_one_before_used(tmp_path: Path) -> None:
    whole = job(tmp_path / "whole")
    fit(whole)
    stop_after(8, job(tmp_path / "cut"))
    newest = sorted((tmp_path / "cut" / "checkpoints").glob("step-*"))[-1]
    tensors = newest / "tensors.safetensors"
    content = bytearray(tensors.read_bytes())
    content[len(content) // 2] ^= 1
    tensors.write_bytes(content)
    resumed = job(tmp_path / "cut", resume=True)
    notes = [event.text for event in fit(resumed) if isinstance(event, Note)]
    assert any("tensors.safetensors" in text and "set aside" in text for text in notes)
    assert any("resumed at step 6" in text for text in notes)
    assert list((tmp_path / "cut" / "checkpoints").glob("*.damaged-*"))
    assert weights(resumed) == weights(whole)


def test_the_best_weights_are_kept_and_training_stops_when_validation_no_longer_gains(tmp_path: Path) -> None:
    made = job(tmp_path, patience=2, epochs=30, peak_lr=0.05)
    events = fit(made)
    scores = [event for event in events if isinstance(event, Measured)]
    best = max(scores, key=lambda event: event.scores["score"])
    assert len(scores) < 30, "it did not stop early"
    assert any(isinstance(event, Note) and f"step {best.step}" in event.text for event in events)
    kept = checkpoint.load(tmp_path / "checkpoints", "best")
    assert kept.state["step"] == best.step


def test_without_validation_rows_every_epoch_is_run(tmp_path: Path) -> None:
    made = replace(job(tmp_path, patience=1), validation=())
    events = fit(made)
    assert sum(isinstance(event, Step) for event in events) == 12
    assert not any(isinstance(event, Measured) for event in events)


def test_a_gradient_that_is_not_finite_is_never_stepped_on_and_names_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(tmp_path)
    original = type(made.task).loss

    def poisoned(self: Any, net: Any, batch: Any) -> dict[str, Any]:
        return {name: value * float("nan") for name, value in original(self, net, batch).items()}

    monkeypatch.setattr(type(made.task), "loss", poisoned)
    with pytest.raises(TrainingError) as refused:
        fit(made)
    assert refused.value.code == "R701"
    first = order.batches(order.examples(made, made.task, 0), 4, 2, made.seed, 0)
    assert any(example.row[:12] in refused.value.where for batch in first for example in batch)
    assert not list((tmp_path / "checkpoints").glob("step-*"))


def test_one_bad_step_is_passed_over_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, calls = job(tmp_path, micro_tokens=0), iter(range(1000))
    original = type(made.task).loss

    def poisoned(self: Any, net: Any, batch: Any) -> dict[str, Any]:
        bad = next(calls) == 2
        return {k: v * (float("inf") if bad else 1.0) for k, v in original(self, net, batch).items()}

    monkeypatch.setattr(type(made.task), "loss", poisoned)
    steps = [event for event in fit(made) if isinstance(event, Step)]
    assert len(steps) == 12
    assert [event.step for event in steps if not math.isfinite(event.grad_norm)] == [3]


def test_micro_batches_and_padding_do_not_change_the_gradient(tmp_path: Path) -> None:
    norms = []
    for number, budget in enumerate((0, 90, 1)):
        made = job(tmp_path / str(number), micro_tokens=budget, window=1, dropout=0.0, epochs=1)
        norms.append([event.grad_norm for event in fit(made) if isinstance(event, Step)])
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)
    assert norms[2] == pytest.approx(norms[0], rel=1e-4)


def test_at_most_two_step_checkpoints_stay(tmp_path: Path) -> None:
    saved = [event for event in fit(job(tmp_path, save_steps=1)) if isinstance(event, Saved)]
    assert len(saved) == 12
    assert len(list((tmp_path / "checkpoints").glob("step-*"))) == 2


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
