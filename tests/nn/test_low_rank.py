"""Products with matrices that low-rank factors move are those of peft, with less beside them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import decoders

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

FAMILIES = ("llama", "gpt2", "phi")  # without biases, transposed, with biases


def pair(family: str, **options: Any) -> tuple[Any, Any]:
    """A tiny decoder with random updates, and the same with the fused product."""
    from tunesmith.nn import low_rank

    net = decoders.made(family)
    torch.manual_seed(0)
    maps = [
        name
        for name, module in net.backbone.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D") and "lm_head" not in name
    ]
    transposed = family == "gpt2"
    config = peft.LoraConfig(
        r=3, target_modules=maps, init_lora_weights=False, fan_in_fan_out=transposed, **options
    )
    peft.inject_adapter_in_model(config, net.backbone)
    twin = copy.deepcopy(net)
    for each in (net, twin):
        each.begin(0, 0.0)
    assert low_rank.fuse(twin, "default") == (0 if options else len(maps))
    return net, twin


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_peft(family: str) -> None:
    net, twin = pair(family)
    batch = decoders.batch()
    losses = [each.nll_sum(batch) for each in (net, twin)]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-6)
    theirs, ours = (decoders.gradients(each, loss) for each, loss in zip((net, twin), losses, strict=True))
    share, name = decoders.apart(ours, theirs)
    assert any(each.any() for key, each in theirs.items() if "lora" in key)
    assert share < 1e-5, name


@pytest.mark.parametrize("options", [{"use_dora": True}, {"lora_dropout": 0.1}, {"lora_bias": True}])
def test_what_is_not_plain_keeps_the_forward_of_peft(options: dict[str, Any]) -> None:
    net, twin = pair("phi", **options)
    batch = decoders.batch()
    values = []
    for each in (net, twin):
        torch.manual_seed(1)
        values.append(each.nll_sum(batch).item())
    assert values[0] == values[1]


def test_an_update_that_is_switched_off_is_left_out() -> None:
    net, twin = pair("llama")
    batch = decoders.batch()
    for each in (net, twin):
        for module in each.modules():
            if hasattr(module, "lora_A"):
                module.enable_adapters(False)
    assert twin.nll_sum(batch).item() == net.nll_sum(batch).item()


def test_the_product_has_the_gradients_that_differences_say() -> None:
    from tunesmith.nn import low_rank

    torch.manual_seed(2)
    x, down, up = (
        torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in ((2, 4, 5), (3, 5), (6, 3))
    )
    weight, bias = torch.randn(6, 5, dtype=torch.float64), torch.randn(6, dtype=torch.float64)

    def found(x: Any, down: Any, up: Any) -> Any:
        return low_rank.product(x, weight, bias, down, up, 0.7)

    assert torch.autograd.gradcheck(found, (x, down, up))
    plain = x @ (weight + low_rank.update(down, up, 0.7)).T + bias
    assert torch.allclose(found(x, down, up), plain)


def test_a_copy_and_a_narrower_type_compute_the_same_way() -> None:
    _, twin = pair("llama")
    batch = decoders.batch()
    wanted = twin.nll_sum(batch).item()
    again = copy.deepcopy(twin)
    assert again.nll_sum(batch).item() == wanted
    again.backbone.to(torch.bfloat16)
    assert again.nll_sum(batch).item() == pytest.approx(wanted, rel=0.02)
