"""What every tuning must do: move what it says, save what moved, give the same net back."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tunesmith import catalog
from tunesmith.parts import Profile, Tuning

pytestmark = pytest.mark.neural
TUNINGS = catalog.names("tuning")


def net_and_batch() -> tuple[Any, Any, Any]:
    import torch

    torch.manual_seed(0)
    task = catalog.part("task", "text-classification")()
    rows = task.samples()
    codec = task.tiny_codec(Profile(len(rows), Counter(task.target(row) or "" for row in rows)))
    examples = [example for row in rows[:8] for example in task.encode(row, codec, None)]
    return task, task.tiny(codec), task.collate(examples, codec)


def step(task: Any, net: Any, batch: Any, tuning: Tuning) -> None:
    import torch

    optimizer = torch.optim.SGD([p for _, members, _ in tuning.groups(net) for _, p in members], lr=0.5)
    task.loss(net, batch)["label"].backward()
    optimizer.step()
    net.zero_grad()


@pytest.mark.parametrize("name", TUNINGS)
def test_exactly_the_parameters_of_the_groups_move(name: str) -> None:
    task, net, batch = net_and_batch()
    tuning = catalog.part("tuning", name)()
    net = tuning.apply(net)
    grouped = [name for _, members, _ in tuning.groups(net) for name, _ in members]
    assert len(grouped) == len(set(grouped)) > 0
    before = {key: value.clone() for key, value in net.state_dict().items()}
    step(task, net, batch, tuning)
    step(task, net, batch, tuning)  # the second moves what starts at zero beside a zero (low-rank factors)
    moved = {key for key, value in net.state_dict().items() if not value.equal(before[key])}
    assert moved
    assert moved <= set(grouped)


@pytest.mark.parametrize("name", TUNINGS)
def test_the_delta_brings_the_tuned_net_back(name: str) -> None:
    import torch

    task, net, batch = net_and_batch()
    tuning = catalog.part("tuning", name)()
    net = tuning.apply(net)
    step(task, net, batch, tuning)
    delta = {key: value.clone() for key, value in tuning.delta(net).items()}
    _, fresh, _ = net_and_batch()
    torch.manual_seed(99)
    fresh = tuning.apply(fresh)
    tuning.load(fresh, delta)
    ids, mask = batch.tensors["ids"], batch.tensors["mask"]
    assert net.eval()(ids, mask).equal(fresh.eval()(ids, mask))


@pytest.mark.parametrize("name", TUNINGS)
def test_a_delta_of_another_shape_or_with_a_tensor_missing_is_refused(name: str) -> None:
    _, net, _ = net_and_batch()
    tuning = catalog.part("tuning", name)()
    net = tuning.apply(net)
    delta = dict(tuning.delta(net))
    first = sorted(delta)[0]
    with pytest.raises(ValueError, match=r"head|backbone"):
        tuning.load(net, {key: value for key, value in delta.items() if key != first})
    with pytest.raises(ValueError, match="shape"):
        tuning.load(net, delta | {first: delta[first].new_zeros(1, 1, 1)})


@pytest.mark.parametrize("name", TUNINGS)
def test_before_training_the_net_says_what_the_base_says(name: str) -> None:
    _, net, batch = net_and_batch()
    ids, mask = batch.tensors["ids"], batch.tensors["mask"]
    base = net.eval()(ids, mask)
    tuned = catalog.part("tuning", name)().apply(net)
    assert tuned.eval()(ids, mask).allclose(base, atol=1e-6)
    assert catalog.part("tuning", name).peak_lr > 0
