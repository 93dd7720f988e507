"""Rows without padding in one sequence: losses and gradients are those of the padded rows."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import decoders

pytestmark = pytest.mark.neural
LENGTHS = (11, 7, 3)
PLAIN = ("llama", "qwen2", "gemma", "gpt2")
FAMILIES = [
    family for family in decoders.SHARING if family not in ("falcon", "gemma2", "gpt2", "gptj", "xglm")
]


def packed_states(net: Any, packed: Any, mask: Any) -> Any:
    from tunesmith.nn import readout

    body = readout.body(net.backbone)
    given = {"input_ids": packed.ids, "position_ids": packed.positions, "attention_mask": mask}
    return packed.spread(body(**given, use_cache=False).last_hidden_state)


def dense(packed: Any, dtype: Any) -> Any:
    from tunesmith.nn import attention

    return attention.under(packed, dtype)


def loss(net: Any, states: Any, batch: Any) -> Any:
    """Σ weight · −log-probability from states that stand in padded rows."""
    logits = net.backbone.get_output_embeddings()(states)
    logprobs = net._ready()(logits).log_softmax(-1)[:, :-1]
    own = logprobs.gather(2, batch["ids"][:, 1:, None])[..., 0]
    return -(own * batch["weights"][:, 1:]).sum()


@pytest.mark.parametrize("family", PLAIN)
def test_loss_and_gradients_are_those_of_padded_rows(family: str) -> None:
    import torch

    from tunesmith.nn import packing

    net = decoders.made(family)
    twin = copy.deepcopy(net)
    net.begin(0, 0.0)
    twin.begin(0, 0.0)
    batch = decoders.batch(LENGTHS)
    packed = packing.pack(batch["ids"], batch["mask"], block=8)
    assert packed.ids.shape == (1, 24)
    ours = loss(net, packed_states(net, packed, dense(packed, torch.float32)), batch)
    theirs = twin.nll_sum(batch)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    share, name = decoders.apart(decoders.gradients(net, ours), decoders.gradients(twin, theirs))
    assert share < 1e-5, name


@pytest.mark.parametrize("family", PLAIN)
def test_answers_that_share_a_prompt_stay_apart_inside_their_row(family: str) -> None:
    import torch

    from tunesmith.nn import packing, shared_prompt

    net = decoders.made(family)
    twin = copy.deepcopy(net)
    net.begin(0, 0.0)
    twin.begin(0, 0.0)
    laid = [
        shared_prompt.layout([5, 6, 7], [[8, 9], [10, 11, 12]]),
        shared_prompt.layout([20], [[21, 22, 23], [24]]),
    ]
    batch = shared_prompt.collate(laid, 0)
    packed = packing.pack(batch["ids"], batch["mask"], batch["positions"], batch["answers"], block=8)
    ours = loss(net, packed_states(net, packed, dense(packed, torch.float32)), batch)
    theirs = twin.nll_sum(batch)
    share, name = decoders.apart(decoders.gradients(net, ours), decoders.gradients(twin, theirs))
    assert share < 1e-5, name


@pytest.mark.parametrize("family", FAMILIES)
def test_flex_attention_gives_what_the_table_of_pairs_gives(family: str) -> None:
    import torch

    from tunesmith.nn import flex, packing

    net = decoders.made(family)
    net.begin(0, 0.0)
    net.eval()
    batch = decoders.batch(LENGTHS)
    packed = packing.pack(batch["ids"], batch["mask"])
    with torch.no_grad():
        ours = packed_states(net, packed, flex.mask(packed))
        theirs = packed_states(net, packed, dense(packed, torch.float32))
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_the_mask_of_blocks_is_the_table_of_pairs(data: st.DataObject) -> None:
    import torch
    from torch.nn.attention.flex_attention import create_mask

    from tunesmith.nn import packing, shared_prompt

    rows, length = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    mask = torch.tensor(
        data.draw(
            st.lists(
                st.lists(st.integers(0, 1), min_size=length, max_size=length), min_size=rows, max_size=rows
            )
        )
    )
    answers = torch.tensor(
        data.draw(
            st.lists(
                st.lists(st.integers(-1, 2), min_size=length, max_size=length), min_size=rows, max_size=rows
            )
        )
    )
    mask[0, 0] = 1  # a batch has a token
    ids = torch.arange(1, rows * length + 1).view(rows, length)
    packed = packing.pack(ids, mask, None, answers, block=4)
    table = packed.blocks()[0]
    size = len(packed.documents)
    assert size % 4 == 0
    made = create_mask(packed.sees, None, None, size, size, device="cpu")
    assert made[0, 0].equal(table)
    # the same by the layout that pads: each row's table, token by token
    padded = shared_prompt._blocks(torch.where(mask > 0, answers, shared_prompt.PADDING))
    for one, place in enumerate(packed.places.tolist()):
        for other, seen in enumerate(packed.places.tolist()):
            (row, at), (far, of) = divmod(place, length), divmod(seen, length)
            assert bool(table[one, other]) == (row == far and bool(padded[row, at, of]))
    back = packed.spread(packed.ids[..., None].float())[..., 0]
    assert back.equal((ids * mask).float())


def test_every_family_that_packs_is_tested_here() -> None:
    from tunesmith.nn import packing

    assert set(FAMILIES) == packing.FAMILIES


def test_dropout_is_refused_and_not_passed_over() -> None:
    import torch

    from tunesmith.nn import attention, flex, packing

    ones = torch.ones(1, 4, dtype=torch.long)
    blocks = flex.mask(packing.pack(ones, ones))
    layer: Any = torch.nn.Module().train()
    states = torch.zeros(1, 2, 128, 8)
    with pytest.raises(ValueError, match="no dropout"):
        attention.by_length(layer, states, states, states, blocks, dropout=0.1)


def test_keys_are_shared_by_any_number_of_heads() -> None:
    import torch

    from tunesmith.nn import flex, packing

    torch.manual_seed(0)
    ones = torch.ones(1, 128, dtype=torch.long)
    packed = packing.pack(ones, ones)
    query, key, value = torch.randn(1, 6, 128, 8), torch.randn(1, 2, 128, 8), torch.randn(1, 2, 128, 8)
    read = flex.attention(query, key, value, flex.mask(packed), 0.3)
    wide, told = key.repeat_interleave(3, 1), value.repeat_interleave(3, 1)
    plain = torch.nn.functional.scaled_dot_product_attention(query, wide, told, is_causal=True, scale=0.3)
    assert torch.allclose(read, plain.transpose(1, 2), atol=1e-6)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_network_packs_where_it_may_and_learns_the_same(
    family: str, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith.nn import decoder, packing, shared_prompt

    net = decoders.made(family)
    net.begin(0, 0.0)
    laid = [shared_prompt.layout([5, 6, 7], [[8, 9], [10, 11, 12]]), shared_prompt.layout([20], [[21], [24]])]
    batch = shared_prompt.collate(laid, 0) if shared else decoders.batch(LENGTHS)
    calls, packed = [], decoder.packed_states
    monkeypatch.setattr(decoder, "packed_states", lambda *given: calls.append(1) or packed(*given))
    plain = decoders.gradients(net, net.nll_sum(batch))
    assert not calls
    monkeypatch.setattr(packing, "DEVICES", ("cpu",))
    ours = decoders.gradients(net, net.nll_sum(batch))
    assert calls == [1]
    share, name = decoders.apart(ours, plain)
    assert share < 1e-5, name


def test_dropout_soft_prompts_and_states_from_elsewhere_keep_their_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tunesmith.nn import packing, readout

    monkeypatch.setattr(packing, "DEVICES", ("cpu",))
    net, batch = decoders.made("llama"), decoders.batch(LENGTHS)
    net.begin(0, 0.1)
    assert not net._exact
    body = readout.body(net.backbone)
    assert packing.suits(body, batch)
    assert not packing.suits(body, {**batch, "below": None})
    assert not packing.suits(body, decoders.batch((11, 11)))
    body.register_forward_pre_hook(lambda *_: None)
    assert not packing.suits(body, batch)
