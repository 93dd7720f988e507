"""Decoders of many families: their loss is that of their own forward, whatever kernel, padding and chunk."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import decoders

pytestmark = pytest.mark.neural


def pair(family: str) -> tuple[Any, Any]:
    """(a network as it is trained, its twin as transformers would run it)."""
    net = decoders.made(family)
    twin = copy.deepcopy(net)
    twin.backbone.set_attn_implementation("eager")
    net.begin(0, 0.0)
    return net.train(), twin.eval()


@pytest.mark.parametrize("family", decoders.FAMILIES)
def test_loss_and_gradients_are_those_of_the_familys_own_full_logits(family: str) -> None:
    net, twin = pair(family)
    batch = decoders.batch()
    weights = batch["weights"][:, 1:]
    naive = decoders.naive_logprobs(twin.backbone, batch["ids"], batch["mask"])
    wanted = -(naive * weights).sum()
    loss = net.nll_sum(batch)
    logprobs, _, rows = net.token_logprobs(batch)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert logprobs.detach().numpy() == pytest.approx(
        naive[weights != 0].detach().numpy(), rel=1e-5, abs=1e-5
    )
    assert rows.equal((weights != 0).nonzero()[:, 0])
    theirs = decoders.gradients(twin, wanted)
    for ours in (loss, -(logprobs * weights[weights != 0]).sum()):
        share, name = decoders.apart(decoders.gradients(net, ours), theirs)
        assert share < 1e-5, name


@pytest.mark.parametrize("family", decoders.FAMILIES)
def test_padding_changes_nothing(family: str) -> None:
    import torch

    net, _ = pair(family)
    whole = decoders.batch()
    alone = [
        {key: value[row : row + 1, : int(whole["mask"][row].sum())] for key, value in whole.items()}
        for row in range(len(whole["ids"]))
    ]
    with torch.no_grad():
        together, _, _ = net.token_logprobs(whole)
        apart = torch.cat([net.token_logprobs(row)[0] for row in alone])
    assert together.numpy() == pytest.approx(apart.numpy(), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("family", decoders.FAMILIES)
def test_dropout_has_an_effect_and_none_without(family: str) -> None:
    import torch

    net, _ = pair(family)
    batch = decoders.batch()
    with torch.no_grad():
        assert net.nll_sum(batch).equal(net.nll_sum(batch))
        plain = net.nll_sum(batch)
        net.begin(0, 0.3)
        torch.manual_seed(1)
        first, again = net.train().nll_sum(batch), net.nll_sum(batch)
        torch.manual_seed(1)
        assert net.nll_sum(batch).equal(first)
        assert not first.equal(again)
        assert net.eval().nll_sum(batch).equal(plain)
        net.begin(0, 0.0)
        assert net.train().nll_sum(batch).equal(plain)
    assert net.dropout.p == 0.0


@pytest.mark.parametrize("family", decoders.FAMILIES)
def test_weights_come_back_from_a_file(family: str, tmp_path: Path) -> None:
    import torch

    from tunesmith.nn import decoder, pretrained

    net = decoders.made(family)
    decoders.saved(net, tmp_path)
    with torch.device("meta"):
        again = decoder.structure({"model_type": family, **decoders.FAMILIES[family]})
    pretrained.load(again, tmp_path)
    theirs = again.backbone.state_dict()
    assert all(theirs[name].equal(each) for name, each in net.backbone.state_dict().items())
    batch = decoders.batch()
    with torch.no_grad():
        assert again.eval().nll_sum(batch).equal(net.eval().nll_sum(batch))


def test_only_the_states_of_supervised_tokens_meet_the_output_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.nn import token_loss

    net, met = decoders.made("llama"), []
    net.begin(0, 0.0)
    batch = decoders.batch()
    original = token_loss.cross_entropy_sum

    def watched(states: Any, *given: Any, **options: Any) -> Any:
        met.append(len(states))
        return original(states, *given, **options)

    monkeypatch.setattr(token_loss, "cross_entropy_sum", watched)
    net.nll_sum(batch)
    assert met == [int((batch["weights"] != 0).sum())]


def test_a_batch_that_teaches_nothing_costs_nothing_and_moves_nothing() -> None:
    net = decoders.made("llama")
    batch = decoders.batch()
    batch["weights"] = batch["weights"] * 0
    loss = net.nll_sum(batch)
    assert float(loss) == 0.0
    assert all(not each.any() for each in decoders.gradients(net, loss).values())
    assert all(not len(each) for each in net.token_logprobs(batch))


def test_in_bfloat16_the_loss_is_near_and_float32() -> None:
    import torch

    net, batch = decoders.made("llama"), decoders.batch()
    net.begin(0, 0.0)
    wanted = float(net.nll_sum(batch))
    net.backbone.to(torch.bfloat16)
    loss = net.nll_sum(batch)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(wanted, rel=0.02)
    loss.backward()
    assert all(p.grad is None or p.grad.dtype == torch.bfloat16 for p in net.parameters())


@pytest.mark.parametrize("targets", ["all-linear", ["lm_head"]])
def test_low_rank_updates_are_part_of_the_loss_in_the_output_matrix_too(targets: Any) -> None:
    import peft
    import torch

    net, twin = pair("phi")
    config = peft.LoraConfig(r=2, target_modules=targets, init_lora_weights=False)
    for each in (net, twin):
        torch.manual_seed(0)
        peft.inject_adapter_in_model(config, each.backbone)
    batch = decoders.batch()
    naive = decoders.naive_logprobs(twin.backbone, batch["ids"], batch["mask"])
    theirs = decoders.gradients(twin, -(naive * batch["weights"][:, 1:]).sum())
    share, name = decoders.apart(decoders.gradients(net, net.nll_sum(batch)), theirs)
    assert any(each.any() for key, each in theirs.items() if "lora" in key)
    assert share < 1e-5, name


# ---- what is refused --------------------------------------------------------------------------------------------

SMALL = {**decoders.SIZE, "pad_token_id": 0}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "nonesuch"}, "nonesuch"),
        ({}, "None"),
        ({"model_type": "vit"}, "does not say what comes next"),
        ({"model_type": "llama", **SMALL, "hidden_size": "wide"}, "configuration"),
        ({"model_type": "gpt2", **decoders.OLD, "n_head": 5}, "embed_dim"),
        ({"model_type": "gpt_neo", **decoders.SIZE}, "attention_types"),
    ],
)
def test_a_structure_that_can_not_be_is_a_value_error(config: Mapping[str, Any], words: str) -> None:
    from tunesmith.nn import decoder

    with pytest.raises(ValueError, match=words):
        decoder.structure(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "bert", **SMALL}, "before the output matrix"),
        ({"model_type": "bert-generation", **SMALL}, "reads what comes after"),
    ],
)
def test_a_family_whose_loss_would_be_another_is_refused(config: Mapping[str, Any], words: str) -> None:
    from tunesmith.nn import decoder

    with pytest.raises(ValueError, match=words):
        decoder.structure(config).begin(0, 0.0)


def test_logits_that_are_more_than_scaled_and_capped_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = decoders.made("llama")
    own = type(net.backbone).forward

    def squared(self: Any, *given: Any, **options: Any) -> Any:
        said = own(self, *given, **options)
        said.logits = said.logits**2
        return said

    monkeypatch.setattr(type(net.backbone), "forward", squared)
    with pytest.raises(ValueError, match="scaled and capped"):
        net.begin(0, 0.0)


@pytest.mark.parametrize("fault", ["missing", "shape", "pickled", "nothing"])
def test_weights_that_do_not_fit_are_named(fault: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from tunesmith.nn import pretrained

    net = decoders.made("qwen2")
    net.backbone.config.save_pretrained(tmp_path)
    tensors = {name: each.clone() for name, each in net.backbone.state_dict().items()}
    name = "model.layers.1.self_attn.q_proj.bias"
    if fault == "missing":
        del tensors[name]
    elif fault == "shape":
        tensors[name] = torch.zeros(3)
    if fault in {"missing", "shape"}:
        save_file(tensors, tmp_path / "model.safetensors")
    elif fault == "pickled":
        torch.save(tensors, tmp_path / "pytorch_model.bin")
    with pytest.raises((ValueError, OSError), match=name if fault in {"missing", "shape"} else "safetensors"):
        pretrained.load(net, tmp_path)


# ---- rewards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "mistral", "gemma2", "phi", "opt", "mamba"])
def test_a_reward_is_read_at_the_last_real_token(family: str, tmp_path: Path) -> None:
    import torch

    from tunesmith.nn import decoder, pretrained

    whole = decoders.made(family)
    decoders.saved(whole, tmp_path)
    with torch.device("meta"):
        net = decoder.reward_structure({"model_type": family, **decoders.FAMILIES[family]})
    pretrained.load(net, tmp_path)
    net.begin(7, 0.0)
    batch = decoders.batch()
    rewards = net(batch["ids"], batch["mask"])
    states = whole.eval().hidden(batch["ids"], batch["mask"])
    last = [states[row, int(length) - 1] for row, length in enumerate(batch["mask"].sum(1))]
    assert rewards.dtype == torch.float32
    assert rewards.detach().numpy() == pytest.approx(
        (torch.stack(last) @ net.head.weight[0]).detach().numpy(), rel=1e-4
    )
    rewards.sum().backward()
    assert net.head.weight.grad.any()


def test_the_head_of_a_reward_model_is_a_function_of_the_seed() -> None:
    from tunesmith.nn import decoder

    nets = [decoder.reward_tiny(50) for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        net.begin(seed, 0.1)
    assert nets[0].head.weight.equal(nets[1].head.weight)
    assert not nets[0].head.weight.equal(nets[2].head.weight)


def test_the_miniature_learns_its_batch() -> None:
    import torch

    from tunesmith.nn import decoder

    torch.manual_seed(0)
    net, batch = decoder.tiny(decoders.VOCABULARY), decoders.batch()
    net.begin(0, 0.0)
    assert not list(net.head.parameters())
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = net.nll_sum(batch)
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 3
