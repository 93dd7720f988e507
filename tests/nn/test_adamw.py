"""Our AdamW has the bits of torch's fused one."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tunesmith.nn import adamw  # noqa: E402

BETAS, EPS = (0.9, 0.999), 1e-8


def groups(tensors: list[Any]) -> list[dict[str, Any]]:
    return [{"params": tensors[:2], "weight_decay": 0.01}, {"params": tensors[2:], "weight_decay": 0.0}]


def test_bits_are_those_of_torch() -> None:
    torch.manual_seed(0)
    start = [torch.randn(5, 7), torch.randn(3), torch.randn(2, 2), torch.randn(4)]
    ours = [each.clone() for each in start]
    theirs = [each.clone() for each in start]
    mine = adamw.AdamW(groups(ours), betas=BETAS, eps=EPS)
    other = torch.optim.AdamW(groups(theirs), lr=0.0, betas=BETAS, eps=EPS, fused=True)
    for step in range(5):
        for number, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            waits = number == 3 and step < 2  # a parameter that moves later
            gradient = torch.randn(one.shape)
            one.grad, two.grad = (None, None) if waits else (gradient, gradient.clone())
        for group in (*mine.param_groups, *other.param_groups):
            group["lr"] = 0.01 * (step + 1)
        mine.step()
        other.step()
    for one, two in zip(ours, theirs, strict=True):
        assert torch.equal(one, two)
        assert all(torch.equal(mine.state[one][key], other.state[two][key]) for key in other.state[two])


def test_without_a_gradient_nothing_moves() -> None:
    still = torch.ones(3)
    optimizer = adamw.AdamW([{"params": [still], "weight_decay": 0.5}], betas=BETAS, eps=EPS)
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert torch.equal(still, torch.ones(3)) and not optimizer.state
