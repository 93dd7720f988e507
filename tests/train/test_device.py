"""Training on a device of its own: every batch is moved there, what is saved comes back, and the numbers stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import lessons
import miniature
from tunesmith import catalog, machine
from tunesmith.errors import Interrupted
from tunesmith.events import Saved, Step
from tunesmith.parts import Job

pytestmark = pytest.mark.neural
OBJECTIVES = [name for name in catalog.names("objective") if name != "supervised"]
REGULARIZERS = [name for name in catalog.names("regularizer") if name != "none"]


@pytest.fixture
def far() -> Iterator[Any]:
    import faraway

    with faraway.device() as name, patch.object(machine, "device", lambda asked="auto": name):
        yield faraway.Far


def compare(folder: Path, job: Any, far: bool) -> tuple[list[float], dict[str, Any]]:
    """Losses and final weights of a run, here or far away."""
    from safetensors.torch import load_file

    import faraway

    made: Job = job(folder)
    if far:
        with faraway.device() as name, patch.object(machine, "device", lambda asked="auto": name):
            events = miniature.fit(made)
    else:
        events = miniature.fit(made)
    losses = [loss for event in events if isinstance(event, Step) for loss in event.losses.values()]
    return losses, load_file(made.model / "delta.safetensors")


def same(folder: Path, job: Any) -> None:
    import torch

    here, there = (compare(folder / str(far), job, far) for far in (False, True))
    assert here[0] and here[0] == pytest.approx(there[0], rel=1e-5)
    assert here[1].keys() == there[1].keys()
    for name, tensor in here[1].items():
        assert torch.allclose(tensor, there[1][name], rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("tuning", ["lora", "adapter", "prompt"])
def test_what_a_tuning_adds_trains_there(tuning: str, tmp_path: Path) -> None:
    same(tmp_path, lambda folder: miniature.job(folder, task="chat", tuning=tuning, dropout=0.0, epochs=0.5))


@pytest.mark.parametrize(
    "task", ["text-classification", "completion", "language-model", "masked-language-model", "reward"]
)
def test_every_task_trains_there(task: str, tmp_path: Path) -> None:
    same(tmp_path, lambda folder: miniature.job(folder, task=task, dropout=0.0, epochs=0.5))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_trains_there(objective: str, tmp_path: Path) -> None:
    same(tmp_path, lambda folder: lessons.job(folder, objective, epochs=0.5))


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_every_regularizer_trains_there(regularizer: str, tmp_path: Path) -> None:
    same(tmp_path, lambda folder: lessons.job(folder, task="completion", regularizer=regularizer, epochs=0.5))


def test_a_resumed_run_puts_the_checkpoint_there_and_ends_with_the_same_bytes(
    far: Any, tmp_path: Path
) -> None:
    whole = miniature.job(tmp_path / "whole", task="completion", dropout=0.0)
    miniature.fit(whole)
    made = miniature.job(tmp_path / "halves", task="completion", dropout=0.0, save_steps=2)
    stop = threading.Event()
    object.__setattr__(made, "stop", stop)
    with pytest.raises(Interrupted):
        for event in catalog.make("approach", made.recipe.approach).fit(made):
            if isinstance(event, Saved):
                stop.set()
    resumed = miniature.job(tmp_path / "halves", task="completion", dropout=0.0, save_steps=2, resume=True)
    miniature.fit(resumed)
    assert miniature.weights(whole) == miniature.weights(resumed)


def test_what_training_goes_on_from_is_on_the_cpu_and_what_moves_is_not(far: Any, tmp_path: Path) -> None:
    from tunesmith.train.engine import local

    made = miniature.job(tmp_path, task="completion", tuning="lora", dropout=0.0)
    tuning = catalog.make("tuning", made.recipe.tuning)
    net = local.build(made, tuning)
    engine = local.Local(made, net, tuning, made.task, {}, "bfloat16")  # type: ignore[arg-type]
    task: Any = made.task
    batch = task.collate(
        [each for row in made.train[:2] for each in task.encode(row, made.codec, None)], made.codec
    )
    engine.forward_backward(batch, engine.total([batch]), 0, 0)
    engine.optim_step(1e-3)
    assert all(isinstance(p, far) for p in net.parameters())
    saved = {**engine.tensors(), **engine.weights()}
    assert not any(isinstance(tensor, far) for tensor in saved.values())
    engine.load(saved)
    state = [value for held in engine._optimizer._adam.state.values() for value in held.values()]
    assert state and all(isinstance(value, far) for value in state)


def test_a_model_that_is_only_opened_lies_on_the_cpu(far: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    from tunesmith.train.engine import local

    made = replace(miniature.job(tmp_path, task="completion"), train=())
    assert not any(isinstance(p, far) for p in local.network(made).parameters())


def test_no_batch_is_forgotten(far: Any, tmp_path: Path) -> None:
    """What the tests above rest on: far tensors do not mix with near ones."""
    import torch

    place = torch.zeros(2, device="lazy")
    assert isinstance(place, far)
    with pytest.raises(RuntimeError, match="far device"):
        torch.add(place, torch.zeros(2))
    with pytest.raises(RuntimeError):
        place.numpy()
