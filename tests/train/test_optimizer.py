"""The optimiser against plain AdamW over whole tensors, with embedding rows that are read now and then."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tunesmith.nn import touched  # noqa: E402
from tunesmith.parts import Group  # noqa: E402
from tunesmith.train.engine.optimizer import BETAS, EPSILON, Optimizer  # noqa: E402

WORDS, WIDTH, STEPS, DECAY, CLIP = 40, 8, 12, 0.3, 1.1


class Net(torch.nn.Module):
    def __init__(self, padding: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.words = torch.nn.Embedding(WORDS, WIDTH, padding_idx=padding)
        self.out = torch.nn.Linear(WIDTH, 3)

    def forward(self, ids: Any) -> Any:
        return self.out(self.words(ids).mean(1).float().to(self.out.weight.dtype))


@pytest.fixture(autouse=True)
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "FEWEST", 8)
    monkeypatch.setattr(touched, "SMALLEST", 2)


def groups(net: Any) -> list[Group]:
    matrices = [("words.weight", net.words.weight), ("out.weight", net.out.weight)]
    return [Group("decay", matrices, 1.0, True), Group("no-decay", [("out.bias", net.out.bias)], 2.0)]


def started(net: Any, dtype: Any = torch.float32) -> Optimizer:
    whole = {name: p.detach() for group in groups(net) for name, p in group.members}
    net.words.to(dtype)
    return Optimizer(net, groups(net), whole, DECAY)


def batch(step: int, part: int) -> tuple[Any, Any]:
    """Ids that come from another few words at each step, so that rows wait for long until they are read."""
    draw = torch.Generator().manual_seed(100 * step + part)
    ids = torch.randint(0, 6, (5, 4), generator=draw) + (step * 5) % (WORDS - 8)
    return ids, torch.randint(0, 3, (5,), generator=draw)


def loss(net: Any, step: int, part: int, dense: bool) -> Any:
    ids, labels = batch(step, part)
    total = torch.nn.functional.cross_entropy(net(ids).float(), labels)
    return total + 0.01 * net.words.weight.square().sum() if dense else total


def rate(step: int) -> float:
    return 0.05 * (1 - step / STEPS)


def trained(net: Any, optimizer: Optimizer, steps: range, dense: bool = False) -> list[float]:
    norms = []
    for step in steps:
        for part in range(2):
            loss(net, step, part, dense).backward()
            optimizer.take()
        norms.append(optimizer.step(rate(step), 1.0, CLIP))
    return norms


def plainly(net: Any, dense: bool) -> list[float]:
    adam = torch.optim.AdamW(
        [
            {"params": [net.words.weight, net.out.weight], "weight_decay": DECAY, "scale": 1.0},
            {"params": [net.out.bias], "weight_decay": 0.0, "scale": 2.0},
        ],
        betas=BETAS,
        eps=EPSILON,
    )
    norms = []
    for step in range(STEPS):
        adam.zero_grad()
        for part in range(2):
            loss(net, step, part, dense).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)))
        for group in adam.param_groups:
            group["lr"] = rate(step) * group["scale"]
        adam.step()
    return norms


@pytest.mark.parametrize("dense", [False, True], ids=["rows", "a penalty on the whole table"])
@pytest.mark.parametrize("padding", [None, 2])
def test_equal_to_adam_over_whole_tensors(dense: bool, padding: int | None) -> None:
    ours, plain = Net(padding), Net(padding)
    optimizer = started(ours)
    assert ours.words.sparse
    norms = trained(ours, optimizer, range(STEPS), dense)
    assert norms == pytest.approx(plainly(plain, dense), rel=1e-5)
    assert min(norms) < CLIP < max(norms) or dense
    optimizer.settle()
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_rows_that_nobody_read_have_no_moments() -> None:
    net = Net()
    optimizer = started(net)
    trained(net, optimizer, range(2))
    found = optimizer.tensors()
    assert len(found["rows/words.weight"]) == len(
        set(torch.cat([batch(s, p)[0].flatten() for s in range(2) for p in range(2)]).tolist())
    )
    assert len(found["exp_avg/words.weight"]) < WORDS


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loaded_one_goes_on_with_the_same_bits(dtype: Any) -> None:
    whole, first, second = Net(), Net(), Net()
    straight = started(whole, dtype)
    trained(whole, straight, range(STEPS))
    before = started(first, dtype)
    trained(first, before, range(5))
    kept = {name: tensor.clone() for name, tensor in before.tensors().items()}
    after = started(second, dtype)
    after.load(kept)
    trained(second, after, range(5, STEPS))
    for optimizer in (straight, after):
        optimizer.settle()
    for mine, theirs in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for name, tensor in straight.weights().items():
        assert torch.equal(tensor, after.weights()[name])


def test_narrow_tables_keep_what_bfloat16_would_round_away() -> None:
    net, wide = Net(), Net()
    optimizer = started(net, torch.bfloat16)
    trained(net, optimizer, range(1))
    net.float()
    optimizer.complete()
    unread = [row for row in range(WORDS) if row not in set(batch(0, 0)[0].flatten().tolist())]
    unread = [row for row in unread if row not in set(batch(0, 1)[0].flatten().tolist())]
    shrunk = wide.words.weight[unread] * (1 - rate(0) * DECAY)
    assert torch.allclose(net.words.weight[unread], shrunk, rtol=1e-6)


def test_a_norm_that_is_not_finite_changes_nothing() -> None:
    net = Net()
    optimizer = started(net)
    before = [p.detach().clone() for p in net.parameters()]
    (loss(net, 0, 0, False) * float("nan")).backward()
    optimizer.take()
    assert optimizer.step(0.1, 1.0, CLIP) != 0.0
    assert all(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))


def test_weights_are_a_copy_and_come_back() -> None:
    net = Net()
    optimizer = started(net)
    trained(net, optimizer, range(3))
    best = optimizer.weights()
    trained(net, optimizer, range(3, 6))
    optimizer.load(best)
    optimizer.settle()
    for name, p in net.named_parameters():
        assert torch.equal(p, best[f"weight/{name}"])


def test_shared_and_small_tables_stay_whole() -> None:
    net = Net()
    tied = torch.nn.Linear(WIDTH, WORDS, bias=False)
    tied.weight = net.words.weight
    net.add_module("tied", tied)
    assert not touched.tables(net)
    assert not touched.tables(torch.nn.Embedding(4, 2))
