"""Masked models: our loss on hidden places alone is the families' own on full logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decoders import apart, batch, gradients, saved
from tunesmith.nn import pretrained

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.neural

SIZE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
SIZE |= {
    "vocab_size": 61,
    "max_position_embeddings": 48,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "albert": SIZE | {"embedding_size": 8},
    "bert": SIZE,
    "deberta-v2": SIZE | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    "distilbert": SIZE | {"dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24},
    "electra": SIZE | {"embedding_size": 8},
    "modernbert": SIZE | {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 8},
    "mpnet": SIZE,
    "roberta": SIZE | {"type_vocab_size": 1},
    "xlm-roberta": SIZE | {"type_vocab_size": 1},
}


def made(family: str, *, new_head: bool) -> Any:
    from tunesmith.nn import masked_lm

    torch.manual_seed(3)
    net = masked_lm.structure({"model_type": family, **FAMILIES[family]}, new_head=new_head)
    with torch.no_grad():
        for weights in net.parameters():
            if weights.ndim > 1:
                weights.normal_(0.0, 0.2)
    net.begin(0, 0.0)
    return net


def rows() -> dict[str, Any]:
    found = batch()
    return {**found, "seen": torch.where(found["weights"] != 0, 3, found["ids"])}


def naive(net: Any, given: dict[str, Any]) -> Any:
    """By the family's own forward and full logits."""
    logits = net.backbone(input_ids=given["seen"], attention_mask=given["mask"]).logits.float()
    own = logits.log_softmax(-1).gather(-1, given["ids"][..., None])[..., 0]
    return -(own * given["weights"]).sum()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_loss_and_its_gradients_are_those_of_full_logits(family: str) -> None:
    net, given = made(family, new_head=False).eval(), rows()
    ours, theirs = net.nll_sum(given), naive(net, given)
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)
    far, name = apart(gradients(net, ours), gradients(net, naive(net, given)))
    assert far < 2e-4, name


@pytest.mark.parametrize("new_head", [False, True])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_way_of_asking_agrees(family: str, new_head: bool) -> None:
    net, given = made(family, new_head=new_head).eval(), rows()
    with torch.no_grad():
        logprobs, right, at = net.token_logprobs(given)
        whole = float(net.nll_sum(given))
    places = given["weights"] != 0
    assert -(logprobs * given["weights"][places]).sum().item() == pytest.approx(whole, rel=1e-5)
    assert at.tolist() == places.nonzero()[:, 0].tolist()
    assert (net.likeliest(given, places) == given["ids"][places]).tolist() == right.tolist()
    assert net.likeliest(given, torch.zeros_like(places)).shape == (0,)


@pytest.mark.parametrize("new_head", [False, True])
@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert", "roberta"])
def test_weights_are_read_and_a_new_head_begins_without_chance(
    family: str, new_head: bool, tmp_path: Path
) -> None:
    from tunesmith.nn import masked_lm

    net = made(family, new_head=new_head)
    saved(net, tmp_path)
    with torch.device("meta"):
        again = masked_lm.structure({"model_type": family, **FAMILIES[family]}, new_head=new_head)
    pretrained.load(again, tmp_path)
    again.begin(99, 0.0)
    assert float(again.eval().nll_sum(rows()).detach()) == pytest.approx(
        float(net.eval().nll_sum(rows()).detach()), rel=1e-6
    )


def test_states_in_bfloat16_and_threads_that_ask_together() -> None:
    from concurrent.futures import ThreadPoolExecutor

    net, given = made("bert", new_head=False).eval(), rows()
    with torch.no_grad():
        alone = float(net.nll_sum(given))
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda _: float(_asked(net, given)), range(16)))
        assert together == [alone] * 16
        for new_head in (False, True):
            other = made("bert", new_head=new_head).eval()
            exact = float(other.nll_sum(given))
            other.backbone.to(torch.bfloat16)
            assert float(other.nll_sum(given)) == pytest.approx(exact, rel=0.03)
            assert other.likeliest(given, given["weights"] != 0).dtype == torch.int64


def _asked(net: Any, given: dict[str, Any]) -> Any:
    with torch.no_grad():
        return net.nll_sum(given)


def test_a_decoder_is_refused() -> None:
    from tunesmith.nn import masked_lm

    with pytest.raises(ValueError, match="hidden"):
        masked_lm.structure({"model_type": "llama", **SIZE}, new_head=True)
