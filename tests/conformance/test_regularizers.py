"""What every regularizer must do: batches by (seed, step) alone, sums that are counted, nothing asked at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of  # noqa: E402
from miniature import fit, weights  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.data.checking import last  # noqa: E402
from tunesmith.errors import Interrupted  # noqa: E402
from tunesmith.events import Step  # noqa: E402
from tunesmith.store import files  # noqa: E402

pytestmark = pytest.mark.neural
REGULARIZERS = catalog.names("regularizer")
TUNINGS = ["full", {"name": "lora", "rank": 4}]


def demanded(name: str, folder: Path, tuning: Any = "full", **options: Any) -> tuple[Any, Any]:
    """(net, demand) of a job on conversations."""
    made = job(folder, task="chat", regularizer=name, tuning=tuning, **options)
    part = catalog.make("tuning", made.recipe.tuning)
    net = part.apply(net_of(made))
    return net, last(catalog.make("regularizer", made.recipe.regularizer).demand(made, net, part))


def shaken(net: Any) -> None:
    """Move what may move a little away from where it began."""
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))


def looks(batches: Any) -> list[Any]:
    return [(b.owner, b.rows, dict(b.counts), {k: str(v) for k, v in b.tensors.items()}) for b in batches]


@pytest.mark.parametrize("name", REGULARIZERS)
def test_what_is_asked_at_a_step_is_a_function_of_seed_and_step(name: str, tmp_path: Path) -> None:
    _, one = demanded(name, tmp_path / "a")
    _, two = demanded(name, tmp_path / "b")
    forwards = [looks(one.batches(step)) for step in range(4)]
    backwards = [looks(two.batches(step)) for step in reversed(range(4))]
    assert forwards == backwards[::-1]
    for batches in map(one.batches, range(4)):
        for batch in batches:
            assert (batch.owner, batch.rows) == (name, ())
            assert batch.counts
            assert all(count > 0 for count in batch.counts.values())


@pytest.mark.parametrize("name", REGULARIZERS)
@pytest.mark.parametrize("tuning", TUNINGS, ids=["full", "lora"])
def test_its_loss_is_a_counted_sum_with_a_gradient_for_what_moves(
    name: str, tuning: Any, tmp_path: Path
) -> None:
    net, demand = demanded(name, tmp_path, tuning)
    shaken(net)
    for batch in demand.batches(0):
        terms = demand.loss(net, batch)
        assert set(terms) == set(batch.counts)
        torch.stack(list(terms.values())).sum().backward()
        assert all(float(term.detach()) > 0 for term in terms.values())
    if demand.batches(0):
        moved = [p.grad for p in net.parameters() if p.requires_grad]
        assert any(grad is not None and bool(grad.any()) for grad in moved)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_micro_batches_change_neither_its_loss_nor_its_gradient(name: str, tmp_path: Path) -> None:
    found = []
    for budget in (0, 1):
        net, demand = demanded(name, tmp_path, micro_tokens=budget, batch_size=40)
        shaken(net)
        total, count = 0.0, 0.0
        for batch in demand.batches(2):
            terms = demand.loss(net, batch)
            torch.stack(list(terms.values())).sum().backward()
            total, count = total + sum(map(float, terms.values())), count + sum(batch.counts.values())
        found.append((total, count, [p.grad for p in net.parameters()]))
    (one, units, first), (two, same, second) = found
    assert two == pytest.approx(one, rel=1e-5, abs=1e-6)
    assert units == pytest.approx(same)
    for a, b in zip(first, second, strict=True):
        assert (a is None) == (b is None)
        assert a is None or float((a - b).norm()) <= 2e-5 * float(a.norm()) + 1e-7


@pytest.mark.parametrize("name", REGULARIZERS)
@pytest.mark.parametrize("tuning", TUNINGS, ids=["full", "lora"])
def test_a_resumed_run_ends_with_the_same_bits_without_its_cache_too(
    name: str, tuning: Any, tmp_path: Path
) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    options: dict[str, Any] = {"task": "chat", "regularizer": name, "tuning": tuning}
    steps = [event for event in fit(job(whole, **options)) if isinstance(event, Step)]
    assert sum(steps[-1].losses.values()) < sum(steps[0].losses.values())
    made, taken = job(half, **options), 0
    with pytest.raises(Interrupted):
        for event in catalog.part("approach", "tune")().fit(made):
            taken += isinstance(event, Step)
            if taken == 4:
                made.stop.set()
    if (half / "cache").exists():
        files.remove(half / "cache")
    fit(job(half, resume=True, **options))
    assert weights(made) == weights(job(whole))
