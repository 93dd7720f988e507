"""Activations that are computed again give the gradients of those that were kept, in less memory."""

from __future__ import annotations

from typing import Any

import pytest

from decoders import FAMILIES, batch, gradients, made
from tunesmith import catalog

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.neural

ENCODERS = {
    "bert": {"type_vocab_size": 2},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24},
    "modernbert": {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 8},
    "roberta": {"type_vocab_size": 1},
}


def found(net: Any, rows: Any, share: float) -> tuple[float, dict[str, Any]]:
    """Loss and gradients under dropout that is drawn from one seed."""
    net.begin(0, share)
    net.train()
    torch.manual_seed(7)
    loss = net.nll_sum(rows)
    return float(loss.detach()), gradients(net, loss)


def compared(make: Any, rows: Any, share: float) -> None:
    from tunesmith.nn import checkpointing

    plain, again = make(), make()
    checkpointing.enable(again)
    (one, theirs), (other, ours) = found(plain, rows, share), found(again, rows, share)
    assert other == pytest.approx(one, rel=1e-6)
    assert ours.keys() == theirs.keys()
    assert any(bool(each.any()) for each in theirs.values())
    for name, gradient in theirs.items():
        assert torch.allclose(ours[name], gradient, rtol=1e-5, atol=1e-6), name


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_gradients_of_decoders_are_the_same(family: str, share: float) -> None:
    compared(lambda: made(family), batch(), share)


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("family", sorted(ENCODERS))
def test_gradients_of_encoders_are_the_same(family: str, share: float) -> None:
    compared(lambda: encoder(family), masked(), share)


def encoder(family: str) -> Any:
    from tunesmith.nn import masked_lm

    torch.manual_seed(3)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
    size |= {"vocab_size": 61, "max_position_embeddings": 48, "pad_token_id": 0}
    return masked_lm.structure({"model_type": family, **size, **ENCODERS[family]}, new_head=False)


def masked() -> Any:
    rows = batch()
    return {**rows, "seen": torch.where(rows["weights"] != 0, 3, rows["ids"])}


@pytest.mark.parametrize("tuning", ["full", "lora", "adapter", "freeze"])
def test_every_kind_of_tuning_gets_the_same_gradients(tuning: str) -> None:
    from tunesmith.nn import checkpointing

    rows, seen = batch(), []
    for again in (False, True):
        net = made("llama")
        net.begin(0, 0.2)
        torch.manual_seed(1)
        net = catalog.part("tuning", tuning)().apply(net)
        if again:
            checkpointing.enable(net)
        net.train()
        torch.manual_seed(7)
        seen.append(gradients(net, net.nll_sum(rows)))
    assert seen[0].keys() == seen[1].keys()
    assert all(torch.allclose(seen[1][name], each, rtol=1e-5, atol=1e-6) for name, each in seen[0].items())


def test_frozen_layers_below_are_computed_once_and_predictions_too() -> None:
    from tunesmith.nn import checkpointing, parameters

    net = made("llama")
    net.begin(0, 0.0)
    calls = [0, 0]
    for number, layer in enumerate(parameters.layers(net)):
        layer.self_attn.register_forward_hook(lambda *_, at=number: calls.__setitem__(at, calls[at] + 1))
    checkpointing.enable(net)
    net.requires_grad_(False)
    parameters.layers(net)[1].requires_grad_(True)
    net.nll_sum(batch()).backward()
    assert calls == [1, 2]
    with torch.no_grad():
        net.nll_sum(batch())
    assert calls == [2, 3]


def kept(net: Any, rows: Any) -> int:
    """Bytes that autograd keeps of a forward pass beside the parameters."""
    own, found = {p.untyped_storage().data_ptr() for p in net.parameters()}, {}

    def seen(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(seen, lambda tensor: tensor):
        net.nll_sum(rows)
    return sum(found.values())


def test_much_less_is_kept() -> None:
    from tunesmith.nn import checkpointing

    net, rows = made("llama"), batch((40, 40, 40))
    net.begin(0, 0.0)
    before = kept(net, rows)
    checkpointing.enable(net)
    assert kept(net, rows) < before / 3


def test_a_net_without_layers_is_refused() -> None:
    from tunesmith.nn import checkpointing

    net = torch.nn.Module()
    net.backbone = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="no stack of layers"):
        checkpointing.enable(net)
