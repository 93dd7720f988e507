"""Dropout of cheap random numbers: shares, means, masks that a seed decides, and that it is everywhere."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tunesmith.nn import attention, dropping, encoder  # noqa: E402


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_share_and_mean(share: float, dtype: Any) -> None:
    torch.manual_seed(1)
    dropped = dropping.dropout(torch.ones(1000, 1001, dtype=dtype), share)
    assert dropped.dtype == dtype
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.003)
    assert dropped.float().mean().item() == pytest.approx(1.0, abs=0.02)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)], rel=0.01)


def test_rows_and_columns_are_independent() -> None:
    torch.manual_seed(2)
    kept = (dropping.mask(torch.Size((4000, 64)), 0.5, torch.float32) > 0).float()
    seen = torch.corrcoef(kept.T)
    assert (seen - torch.eye(64)).abs().max() < 0.08  # 5 / √4000


def test_nothing_and_everything() -> None:
    x = torch.randn(3, 5)
    assert dropping.dropout(x, 0.0) is x
    assert not dropping.dropout(x, 1.0).any()
    assert dropping.dropout(torch.randn(0, 4), 0.1).shape == (0, 4)


def test_the_seed_decides() -> None:
    x = torch.ones(50, 7)
    found = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        found.append((dropping.dropout(x, 0.3), dropping.dropout(x, 0.3)))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1])
    assert not torch.equal(found[0][0], found[2][0])


def test_gradient_passes_where_values_do() -> None:
    x = torch.randn(40, 40, requires_grad=True)
    torch.manual_seed(1)
    y = dropping.dropout(x, 0.4)
    y.sum().backward()
    assert torch.allclose(x.grad * x.detach(), y.detach())


def test_an_encoder_draws_so_everywhere_and_only_in_training() -> None:
    torch.manual_seed(0)
    net = encoder.EncoderClassifier(encoder.tiny_backbone(50), 3, "mean")
    net.begin(0, 0.2)
    drops = [module for module in net.modules() if isinstance(module, torch.nn.Dropout)]
    assert drops and all(type(module) is dropping.Dropping for module in drops)
    assert net.backbone.config._attn_implementation == attention.PLAIN
    ids, mask = torch.randint(3, 50, (4, 9)), torch.ones(4, 9, dtype=torch.long)
    net.train()
    assert not torch.equal(net(ids, mask), net(ids, mask))
    net.eval()
    assert torch.equal(net(ids, mask), net(ids, mask))


def test_plain_products_are_the_familys_attention() -> None:
    torch.manual_seed(0)
    net = encoder.EncoderClassifier(encoder.tiny_backbone(50), 3, "mean")
    net.begin(0, 0.0)
    ids = torch.randint(3, 50, (4, 9))
    mask = (torch.arange(9) < torch.tensor([9, 4, 7, 1])[:, None]).long()
    found = []
    for name in (attention.PLAIN, "eager"):
        net.backbone.set_attn_implementation(name)
        net.zero_grad()
        logits = net(ids, mask)
        logits.square().sum().backward()
        found.append([logits.detach(), *(p.grad.clone() for p in net.parameters() if p.grad is not None)])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)
