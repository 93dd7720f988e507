"""Shapes on the meta device are those that torch gives, and outside it nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tunesmith.nn.shapes_only import ShapesOnly  # noqa: E402

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 64,
}
FAMILIES = {
    "bert": SIZES,
    "llama": SIZES,
    "qwen2": SIZES,
    "distilbert": {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 48, "vocab_size": 64},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "vocab_size": 64},
}


def shapes(family: str, *modes: Any) -> dict[str, Any]:
    config = transformers.AutoConfig.for_model(family, **FAMILIES[family])
    kind = transformers.MODEL_MAPPING[type(config)]
    for mode in modes:
        mode.__enter__()
    try:
        net = kind(config)
    finally:
        for mode in reversed(modes):
            mode.__exit__(None, None, None)
    named = [*net.named_parameters(), *net.named_buffers()]
    return {name: (tuple(tensor.shape), tensor.dtype, tensor.device.type) for name, tensor in named}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_has_the_shapes_that_torch_gives_it(family: str) -> None:
    plain = shapes(family, torch.device("meta"))
    assert shapes(family, ShapesOnly(), torch.device("meta")) == plain
    assert {where for _, _, where in plain.values()} == {"meta"}


def test_real_tensors_are_filled_and_computed_as_ever() -> None:
    torch.manual_seed(0)
    expected = torch.nn.Linear(3, 2).weight.detach().clone()
    torch.manual_seed(0)
    with ShapesOnly():
        assert torch.equal(torch.nn.Linear(3, 2).weight, expected)
        assert torch.equal(
            2.0 ** (torch.arange(3, dtype=torch.float32) / 2), torch.tensor([1.0, 2**0.5, 2.0])
        )
        assert torch.empty_like(expected).shape == expected.shape
        assert torch.empty_like(torch.empty(2, 3, device="meta"), device="cpu").device.type == "cpu"
