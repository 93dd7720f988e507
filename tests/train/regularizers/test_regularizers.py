"""Each regularizer against its formula, written out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of  # noqa: E402
from miniature import fit  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.data.checking import last  # noqa: E402
from tunesmith.errors import UsageError  # noqa: E402
from tunesmith.events import Progress  # noqa: E402
from tunesmith.nn import parameters  # noqa: E402
from tunesmith.train.regularizers import _general  # noqa: E402

pytestmark = pytest.mark.neural
LORA = {"name": "lora", "rank": 4}


def demanded(made: Any) -> tuple[Any, Any, Any]:
    tuning = catalog.make("tuning", made.recipe.tuning)
    net = tuning.apply(net_of(made))
    return net, tuning, last(catalog.make("regularizer", made.recipe.regularizer).demand(made, net, tuning))


def shaken(net: Any) -> None:
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            if p.requires_grad:
                p.add_(0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(number)))


def only_loss(net: Any, demand: Any, step: int = 0) -> float:
    return sum(float(sum(demand.loss(net, batch).values())) for batch in demand.batches(step))


@pytest.mark.parametrize("tuning", ["full", LORA], ids=["full", "lora"])
@pytest.mark.parametrize("name", ["l2sp", "ewc", "kl-to-base"])
def test_before_the_first_step_nothing_is_to_be_held(name: str, tuning: Any, tmp_path: Path) -> None:
    net, _, demand = demanded(job(tmp_path, task="chat", regularizer=name, tuning=tuning))
    assert abs(only_loss(net, demand)) < 1e-4
    shaken(net)
    assert only_loss(net, demand) > 1e-4


@pytest.mark.parametrize("tuning", ["full", LORA], ids=["full", "lora"])
def test_l2sp_is_half_the_squared_change_of_the_bases_matrices(tuning: Any, tmp_path: Path) -> None:
    made = job(tmp_path, task="chat", regularizer={"name": "l2sp", "strength": 0.3}, tuning=tuning)
    net, part, demand = demanded(made)
    shaken(net)
    after = part.merge(net)
    tensors, before = parameters.base_tensors(after), parameters.base_tensors(net_of(made))
    moved = sum(float((tensors[name] - before[name]).square().sum()) for name in before)
    loss = only_loss(demanded_again(made), demand)
    assert loss == pytest.approx(0.5 * 0.3 * moved, rel=1e-4)


def demanded_again(made: Any) -> Any:
    net = catalog.make("tuning", made.recipe.tuning).apply(net_of(made))
    shaken(net)
    return net


def test_the_information_is_the_mean_squared_gradient_per_token_window_by_window(tmp_path: Path) -> None:
    made = job(tmp_path, task="chat", regularizer={"name": "ewc", "windows": 5})
    net, _, demand = demanded(made)
    rows = _general.drawn(_general.windows(made), 5, made.seed, (1 << 31) - 1)
    tokens, squares = 0.0, {name: torch.zeros(p.shape) for name, p in net.named_parameters()}
    for row in rows:
        net.zero_grad()
        batch = made.task.collate([row], made.codec)
        net.nll_sum(batch.tensors).backward()
        tokens += batch.counts["token"]
        for name, p in net.named_parameters():
            squares[name] += p.grad.square()
    assert set(demand.fisher) == set(squares)
    for name, found in demand.fisher.items():
        assert torch.allclose(found, squares[name] / tokens, rtol=1e-4, atol=1e-9), name


def test_the_information_is_of_the_bases_own_tensors_whatever_the_tuning(tmp_path: Path) -> None:
    full = demanded(job(tmp_path, task="chat", regularizer="ewc"))[2].fisher
    made = job(tmp_path, task="chat", regularizer="ewc", tuning=LORA)
    net, _, demand = demanded(made)
    assert set(demand.fisher) < set(full)
    assert all(
        torch.allclose(value, full[name], rtol=1e-4, atol=1e-9) for name, value in demand.fisher.items()
    )
    frozen = [p for name, p in net.named_parameters() if name.endswith("base_layer.weight")]
    assert frozen
    assert not any(p.requires_grad or p.grad is not None for p in frozen)


def test_for_small_changes_ewc_estimates_the_divergence_from_the_base(tmp_path: Path) -> None:
    """Along the gradient's own scale the quadratic form and the divergence agree within a factor."""
    held = demanded(job(tmp_path, task="chat", regularizer={"name": "ewc", "windows": 24, "strength": 1.0}))
    close = demanded(job(tmp_path, task="chat", regularizer={"name": "kl-to-base", "windows": 24}))
    shaken(held[0])
    shaken(close[0])
    far = sum(float(close[2].loss(close[0], b)["kl-to-base"]) for b in close[2].batches(0))
    far /= sum(b.counts["kl-to-base"] for b in close[2].batches(0))
    assert 0.2 < only_loss(held[0], held[2]) / far < 5


def test_the_information_is_read_from_the_cache_and_made_again_where_it_is_damaged(tmp_path: Path) -> None:
    made = job(tmp_path, task="chat", regularizer={"name": "ewc", "windows": 3})
    events = [event for event in fit(made) if isinstance(event, Progress) and event.stage == "fisher"]
    assert len(events) == 3
    again = job(tmp_path, task="chat", regularizer={"name": "ewc", "windows": 3, "strength": 9.0})
    assert not [event for event in fit(again) if isinstance(event, Progress) and event.stage == "fisher"]
    kept = next((tmp_path / "cache" / "fisher").glob("*/tensors.safetensors"))
    kept.write_bytes(kept.read_bytes()[:-3])
    assert [event for event in fit(again) if isinstance(event, Progress) and event.stage == "fisher"]


@pytest.mark.parametrize("tuning", ["full", LORA], ids=["full", "lora"])
def test_the_divergence_is_that_of_whole_distributions_and_the_net_stays_as_it_is(
    tuning: Any, tmp_path: Path
) -> None:
    made = job(tmp_path, task="chat", regularizer={"name": "kl-to-base", "strength": 2.0}, tuning=tuning)
    net, _, demand = demanded(made)
    base = catalog.make("tuning", made.recipe.tuning).apply(net_of(made))
    shaken(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    batch = demand.batches(3)[0]
    ids, weights = batch.tensors["ids"], batch.tensors["weights"]
    with torch.no_grad():
        known, asked = (n.backbone(input_ids=ids).logits[:, :-1].log_softmax(-1) for n in (base, net))
    far = (weights[:, 1:] * (known.exp() * (known - asked)).sum(-1)).sum()
    assert float(demand.loss(net, batch)["kl-to-base"]) == pytest.approx(2.0 * float(far), rel=1e-4)
    assert all(value.equal(before[name]) for name, value in net.state_dict().items())


def test_the_gradient_of_the_divergence_is_that_of_the_naive_one(tmp_path: Path) -> None:
    net, _, demand = demanded(job(tmp_path, task="chat", regularizer="kl-to-base"))
    start = {name: p.detach().clone() for name, p in net.named_parameters()}
    shaken(net)
    batch = demand.batches(0)[0]
    demand.loss(net, batch)["kl-to-base"].backward()
    found = {name: p.grad.clone() for name, p in net.named_parameters()}
    net.zero_grad()
    ids, weights = batch.tensors["ids"], batch.tensors["weights"]
    asked = net.backbone(input_ids=ids).logits[:, :-1].log_softmax(-1)
    with torch.no_grad():
        moved = {name: p.clone() for name, p in net.named_parameters()}
        parameters.put(net, start)
        known = net.backbone(input_ids=ids).logits[:, :-1].log_softmax(-1)
        parameters.put(net, moved)
    asked = net.backbone(input_ids=ids).logits[:, :-1].log_softmax(-1)
    (weights[:, 1:] * (known.exp() * (known - asked)).sum(-1)).sum().backward()
    for name, p in net.named_parameters():
        assert float((found[name] - p.grad).norm()) <= 1e-4 * float(p.grad.norm()) + 1e-7, name


@pytest.mark.parametrize(("share", "count"), [(0.1, 1), (0.5, 6), (0.25, 2)])
def test_replay_weighs_general_text_as_its_share_of_the_step(
    share: float, count: int, tmp_path: Path
) -> None:
    made = job(tmp_path, task="chat", regularizer={"name": "replay", "share": share}, micro_tokens=0)
    net, _, demand = demanded(made)
    (batch,) = demand.batches(0)
    assert len(batch.tensors["ids"]) == count  # of six rows of data
    plain = float(net.nll_sum(batch.tensors).detach())
    assert float(demand.loss(net, batch)["replay"]) == pytest.approx(share / (1 - share) * plain)


@pytest.mark.parametrize("name", ["ewc", "replay", "kl-to-base"])
def test_without_general_rows_it_says_what_is_missing(name: str, tmp_path: Path) -> None:
    made = replace(job(tmp_path, task="chat", regularizer=name), general=())
    with pytest.raises(UsageError) as refused:
        demanded(made)
    assert refused.value.code == "C155"
    assert "general.source" in refused.value.fixes[0]


@pytest.mark.parametrize("name", ["ewc", "replay", "kl-to-base"])
def test_a_task_without_language_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        demanded(job(tmp_path, task="text-classification", regularizer=name))
    assert refused.value.code == "C157"


def test_l2sp_serves_tasks_of_labels_too(tmp_path: Path) -> None:
    made = job(tmp_path, task="text-classification", regularizer="l2sp")
    net, _, demand = demanded(made)
    shaken(net)
    assert only_loss(net, demand) > 0
