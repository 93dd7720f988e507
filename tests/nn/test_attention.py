"""The attention that is chosen by length gives what the families' own attention gives."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.neural


class Layer:
    """What attention functions read of a layer."""

    training = False
    is_causal = True

    def __init__(self, groups: int) -> None:
        self.num_key_value_groups = groups


def states(rows: int, heads: int, keys: int, queries: int, length: int, dtype: str, wide: int = 8) -> Any:
    import torch

    torch.manual_seed(0)
    kind = getattr(torch, dtype)
    query = torch.randn(rows, heads, queries, 8, dtype=kind)
    return (
        query,
        torch.randn(rows, keys, length, 8, dtype=kind),
        torch.randn(rows, keys, length, wide, dtype=kind),
    )


def causal(rows: int, queries: int, length: int, dtype: Any) -> Any:
    import torch

    hidden = ~torch.ones(queries, length, dtype=torch.bool).tril(length - queries)
    mask = torch.zeros(queries, length, dtype=dtype).masked_fill(hidden, torch.finfo(dtype).min)
    return mask.expand(rows, 1, queries, length)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("heads", "keys", "queries", "length", "wide"),
    [(4, 4, 9, 9, 8), (6, 2, 9, 9, 8), (4, 1, 1, 30, 8), (4, 2, 3, 12, 5), (2, 1, 300, 300, 8)],
)
@pytest.mark.parametrize("plain", [True, False])
def test_it_is_the_usual_attention(
    heads: int,
    keys: int,
    queries: int,
    length: int,
    wide: int,
    dtype: str,
    plain: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    from transformers.models.llama.modeling_llama import eager_attention_forward

    from tunesmith.nn import attention

    monkeypatch.setattr(attention, "SHORT", dict.fromkeys((torch.float32, torch.bfloat16), 999 * plain))
    query, key, value = states(2, heads, keys, queries, length, dtype, wide)
    mask, layer = causal(2, queries, length, query.dtype), Layer(heads // keys)
    theirs, _ = eager_attention_forward(layer, query, key, value, mask, scaling=0.3)  # type: ignore[arg-type]
    ours, _ = attention.by_length(layer, query, key, value, mask, scaling=0.3)
    assert torch.allclose(
        ours, theirs, rtol=1e-5 if dtype == "float32" else 2e-2, atol=1e-6 if dtype == "float32" else 2e-2
    )


def test_short_sequences_have_masks_of_numbers_and_long_ones_none_where_they_are_causal() -> None:
    import torch

    from tunesmith.nn import attention

    def mask(length: int, dtype: torch.dtype) -> Any:
        return attention._mask(batch_size=2, q_length=length, kv_length=length, dtype=dtype, device="cpu")

    assert mask(9, torch.float32) is None
    assert mask(256, torch.bfloat16).dtype == torch.bfloat16
    assert mask(257, torch.bfloat16) is None


def test_dropout_falls_on_the_weights_in_training_only() -> None:
    import torch

    from tunesmith.nn import attention

    query, key, value = states(1, 2, 2, 6, 6, "bfloat16")
    mask, layer = causal(1, 6, 6, torch.bfloat16), Layer(1)
    plain, _ = attention.by_length(layer, query, key, value, mask, dropout=0.5)
    assert plain.equal(attention.by_length(layer, query, key, value, mask)[0])
    layer.training = True
    assert not plain.equal(attention.by_length(layer, query, key, value, mask, dropout=0.5)[0])


@pytest.mark.parametrize(
    ("family", "name"), [("llama", "by_length"), ("gemma2", "eager"), ("bloom", "eager")]
)
def test_a_family_that_needs_more_keeps_its_own(family: str, name: str) -> None:
    import decoders

    net = decoders.made(family)
    net.begin(0, 0.0)
    assert net.backbone.config._attn_implementation == name


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "cohere", "phi", "gemma3_text"])
@pytest.mark.parametrize("length", [11, 40])
def test_plain_products_have_the_loss_and_gradients_of_the_familys_own_forward(
    family: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import copy

    import torch

    import decoders
    from tunesmith.nn import attention

    calls, plain = [], attention._plain
    monkeypatch.setattr(attention, "SHORT", {torch.float32: 11})
    monkeypatch.setattr(attention, "_plain", lambda *given: calls.append(1) or plain(*given))
    net = decoders.made(family)
    twin = copy.deepcopy(net).eval()
    twin.backbone.set_attn_implementation("eager")
    net.begin(0, 0.0)
    calls.clear()
    batch = decoders.batch((length, 7, 3))
    naive = decoders.naive_logprobs(twin.backbone, batch["ids"], batch["mask"])
    theirs = decoders.gradients(twin, -(naive * batch["weights"][:, 1:]).sum())
    share, name = decoders.apart(decoders.gradients(net.train(), net.nll_sum(batch)), theirs)
    assert share < 1e-5, name
    assert len(calls) == (2 if length == 11 else 0)


def test_a_network_in_bfloat16_computes_short_rows_by_plain_products(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    import decoders
    from tunesmith.nn import attention

    calls, plain = [], attention._plain
    monkeypatch.setattr(attention, "_plain", lambda *given: calls.append(1) or plain(*given))
    net = decoders.made("llama")
    net.begin(0, 0.0)
    assert not calls
    net.backbone.to(torch.bfloat16)
    net.nll_sum(decoders.batch())
    assert len(calls) == 2
