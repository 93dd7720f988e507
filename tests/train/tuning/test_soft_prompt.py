"""Virtual tokens stand before every row, whoever asks the network: whole, padded, cached, under blocks."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith import catalog

pytestmark = pytest.mark.neural
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "mistral": {"sliding_window": 8, "num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2},
    "gemma2": {"head_dim": 8, "num_key_value_heads": 2, "sliding_window": 8},
    "phi": {},
}
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
COUNT = 5


def prompted(family: str) -> Any:
    import torch

    from tunesmith.nn import decoder

    torch.manual_seed(0)
    sizes = {} if family == "gpt2" else SIZES | {"max_position_embeddings": 64}
    words = {"vocab_size": 64, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 1}
    net = decoder.structure({"model_type": family, **words, **sizes, **FAMILIES[family]})
    net.begin(0, 0.0)
    return catalog.part("tuning", "prompt")(tokens=COUNT).apply(net).eval()


def naive(net: Any, ids: list[int]) -> Any:
    """Logits [T, V] of one row, the virtual tokens put before its words by hand."""
    import torch

    from tunesmith.nn import soft_prompt

    body = net.backbone.base_model
    rows = getattr(body, soft_prompt.NAME)
    before, after = body._forward_pre_hooks.copy(), body._forward_hooks.copy()
    body._forward_pre_hooks.clear()
    body._forward_hooks.clear()
    words = net.backbone.get_input_embeddings()(torch.tensor([ids]))
    with torch.no_grad():
        logits = net.backbone(inputs_embeds=torch.cat([rows[None], words], 1)).logits
    body._forward_pre_hooks.update(before)
    body._forward_hooks.update(after)
    return logits[0, COUNT:]


@pytest.mark.parametrize("family", FAMILIES)
def test_padded_rows_say_what_they_say_with_the_tokens_put_in_by_hand(family: str) -> None:
    import torch

    net, rows = prompted(family), [list(range(3, 15)), list(range(20, 27))]
    ids, mask = torch.zeros(2, 12, dtype=torch.int64), torch.zeros(2, 12, dtype=torch.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)], mask[at, : len(row)] = torch.tensor(row), 1
    with torch.no_grad():
        said = net.backbone(input_ids=ids, attention_mask=mask).logits
        states = net.hidden(ids, mask)
    assert said.shape[:2] == states.shape[:2] == ids.shape
    for at, row in enumerate(rows):
        assert said[at, : len(row)].allclose(naive(net, row), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_on_is_what_the_whole_text_says(family: str) -> None:
    from tunesmith.nn import decoding

    net, prompts = prompted(family), [[5, 6, 7, 8, 9, 10, 11], [12, 13, 14]]
    written: list[list[int]] = [[], []]
    for tokens in decoding.decode(net.backbone, prompts, max_tokens=[6, 6], stops=(), seeds=[0, 0]):
        for token in tokens:
            written[token.row].append(token.id)
            logits = naive(net, [*prompts[token.row], *written[token.row][:-1]])[-1]
            assert logits.argmax() == token.id
            assert abs(float(logits.log_softmax(-1)[token.id]) - token.logprob) < 1e-4
    assert [len(each) for each in written] == [6, 6]


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "phi"])
def test_answers_that_share_a_prompt_see_the_virtual_tokens_too(family: str) -> None:
    import torch

    net = prompted(family)
    prompt, answers = [3, 4, 5, 6], ([7, 8, 9], [10, 11])
    ids = torch.tensor([[*prompt, *answers[0], *answers[1]]])
    places = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 4, 5]])
    owner = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2])
    seen = (owner[None] == owner[:, None]) | (owner[None] == 0)
    blocks = (seen & torch.ones(9, 9, dtype=torch.bool).tril())[None]
    with torch.no_grad():
        states = net.hidden(ids, torch.ones_like(ids), places, blocks)
        logits = net.backbone.get_output_embeddings()(states)[0]
    for answer, at in ((answers[0], slice(4, 7)), (answers[1], slice(7, 9))):
        alone = naive(net, [*prompt, *answer])[len(prompt) :]
        assert logits[at].allclose(alone, atol=1e-5, rtol=1e-4)


def test_the_window_is_smaller_by_the_virtual_tokens() -> None:
    import torch

    from tunesmith.nn import decoding

    net = prompted("gpt2")
    assert decoding.window_of(net.backbone) == 64 - COUNT
    full = torch.full((1, 64 - COUNT), 7)
    assert net.hidden(full, torch.ones_like(full)).shape[1] == 64 - COUNT
    over = torch.full((1, 64), 7)
    with pytest.raises(ValueError, match="69 tokens, virtual ones among them"):
        net.hidden(over, torch.ones_like(over))


def test_only_the_virtual_tokens_have_a_gradient() -> None:
    import torch

    net = prompted("llama")
    ids = torch.arange(3, 15)[None]
    batch = {"ids": ids, "mask": torch.ones_like(ids), "weights": torch.ones(1, 12)}
    net.nll_sum(batch).backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()] == [
        "backbone.model.prompt_embeddings"
    ]


def test_they_begin_as_words_of_the_base_and_the_seed_draws_them() -> None:
    one, other = prompted("llama"), prompted("llama")
    rows = one.backbone.model.prompt_embeddings
    table = one.backbone.get_input_embeddings().weight
    assert rows.equal(other.backbone.model.prompt_embeddings)
    assert all((table == row).all(1).any() for row in rows)
