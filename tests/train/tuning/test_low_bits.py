"""A base of 4 bits under low-rank updates."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith import catalog, doors

pytestmark = pytest.mark.neural
quant = pytest.mark.skipif(not doors.has("bitsandbytes"), reason="needs the extra 'quant'")


def fresh() -> Any:
    import torch
    import transformers

    from tunesmith.nn.decoder import CausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    net = CausalLM(transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=64, **sizes)))
    net.begin(0, 0.0)
    return net.eval()


def says(net: Any) -> Any:
    import torch

    return net.backbone(input_ids=torch.arange(2, 42).reshape(2, 20)).logits


def trained(net: Any, tuning: Any, rate: float = 0.02) -> Any:
    import torch

    optimizer = torch.optim.AdamW([p for group in tuning.groups(net) for _, p in group.members], lr=rate)
    for _ in range(3):
        says(net).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return net


@quant
@pytest.mark.parametrize("ways", [{}, {"dora": True}, {"top": 1}, {"targets": "attention"}], ids=str)
def test_it_learns_opens_again_and_merges_to_full_precision(ways: dict[str, Any]) -> None:
    import torch

    tuning = catalog.part("tuning", "lora")(bits=4, **ways)
    base = says(fresh()).detach()
    net = tuning.apply(fresh())
    rounded = says(net).detach()
    assert not rounded.equal(base)
    assert (rounded - base).norm() < 0.3 * base.norm()
    trained(net, tuning)
    delta = {key: value.clone() for key, value in tuning.delta(net).items()}
    told = says(net).detach()
    assert not told.allclose(rounded, atol=1e-4)
    again = tuning.apply(fresh())
    tuning.load(again, delta)
    assert says(again).equal(told)
    merged = tuning.merge(again)
    assert {type(m).__name__ for m in merged.modules()}.isdisjoint({"Linear4bit", "Params4bit"})
    assert {key: p.shape for key, p in merged.named_parameters()} == {
        key: p.shape for key, p in fresh().named_parameters()
    }
    assert all(p.dtype == torch.float32 for p in merged.parameters())
    assert says(merged).allclose(told, atol=1e-4, rtol=1e-4)


@quant
def test_training_goes_on_after_an_evaluation() -> None:
    import torch

    tuning = catalog.part("tuning", "lora")(bits=4)
    one, other = tuning.apply(fresh()), tuning.apply(fresh())
    tuning.load(other, tuning.delta(one))
    with torch.no_grad():
        first, second = says(one.eval()), says(one)
    assert first.equal(second)
    trained(one.train(), tuning)
    trained(other.train(), tuning)
    assert all(
        p.equal(q) for p, q in zip(tuning.delta(one).values(), tuning.delta(other).values(), strict=True)
    )


@quant
def test_the_layers_take_a_quarter_of_the_memory_or_less() -> None:
    def held(net: Any) -> int:
        return sum(p.numel() * p.element_size() for p in net.backbone.model.layers.parameters())

    net = catalog.part("tuning", "lora")(bits=4, rank=1).apply(fresh())
    assert held(net) < held(fresh()) / 4


@quant
def test_adapters_share_a_base_that_is_small_already() -> None:
    from tunesmith.nn import parameters, quantised

    tuning = catalog.part("tuning", "lora")(bits=4)
    alone = trained(tuning.apply(fresh()), tuning)
    base = fresh()
    quantised.quantise(parameters.layers(base))
    attached = tuning.attach(base, tuning.delta(alone))
    assert says(attached).equal(says(alone))
    small = {p.data_ptr() for p in base.parameters() if str(p.dtype) == "torch.uint8"}
    assert small
    assert small <= {p.data_ptr() for p in attached.parameters()}


@quant
def test_a_transposed_matrix_is_refused() -> None:
    import transformers

    from tunesmith.nn.decoder import CausalLM

    config = transformers.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4)
    with pytest.raises(ValueError, match="Conv1D"):
        catalog.part("tuning", "lora")(bits=4).apply(CausalLM(transformers.GPT2LMHeadModel(config)))


@pytest.mark.skipif(doors.has("bitsandbytes"), reason="the extra 'quant' is installed")
def test_without_the_library_the_extra_is_named() -> None:
    from tunesmith.errors import MissingError

    with pytest.raises(MissingError, match="bitsandbytes"):
        catalog.part("tuning", "lora")(bits=4).apply(fresh())
