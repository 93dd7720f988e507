"""A network whose frozen bottom is put in from the cache is the network that computes it."""

from __future__ import annotations

from typing import Any

import pytest

from decoders import FAMILIES, batch, gradients, made

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.neural

ENCODERS = {
    "bert": {"type_vocab_size": 2},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24},
    "modernbert": {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 8},
    "roberta": {"type_vocab_size": 1},
}


def classifier(family: str) -> Any:
    from tunesmith.nn import encoder

    torch.manual_seed(3)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
    size |= {"vocab_size": 61, "max_position_embeddings": 48, "pad_token_id": 0}
    made = encoder.backbone({"model_type": family, **size, **ENCODERS[family]})
    return encoder.EncoderClassifier(made, 3, "mean")


def top_layer(net: Any) -> None:
    from tunesmith.nn import parameters

    net.requires_grad_(False)
    parameters.layers(net)[-1].requires_grad_(True)


def decoder_loss(net: Any, rows: Any) -> Any:
    return net.nll_sum(rows)


def encoder_loss(net: Any, rows: Any) -> Any:
    return net(rows["ids"], rows["mask"]).square().sum()


def compared(net: Any, rows: Any, loss: Any) -> None:
    """Loss and gradients with given states, by a second batch of other padding than they were caught in."""
    from tunesmith.nn import prefix

    net.begin(0, 0.0)
    top_layer(net)
    net.train()
    plain = loss(net, rows)
    theirs = gradients(net, plain)
    place = prefix.find(net)
    assert place is not None and place == prefix.Cut(1, pooled=False)
    below = prefix.Prefix(net, place)
    states = below.caught(rows)
    assert below.agrees(rows, states)
    ids = rows["ids"].clone()
    below.give(ids, states)
    before = below.hits
    found = loss(net, {**rows, "ids": ids})
    assert below.hits == before + 1
    assert float(found.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)
    ours = gradients(net, found)
    for name, each in theirs.items():
        assert torch.allclose(ours[name], each, rtol=1e-5, atol=1e-6), name
    below.remove()
    assert torch.equal(loss(net, rows), plain)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_decoders(family: str) -> None:
    compared(made(family), batch(), decoder_loss)


@pytest.mark.parametrize("family", sorted(ENCODERS))
def test_encoders(family: str) -> None:
    compared(classifier(family), batch(), encoder_loss)
