"""Which tensors of a base are its head, its layers, its embeddings, and how fast each moves."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith import catalog

pytestmark = pytest.mark.neural


def llama(tied: bool, layers: int = 4) -> Any:
    import transformers

    from tunesmith.nn.decoder import CausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    config = transformers.LlamaConfig(
        vocab_size=32, num_hidden_layers=layers, tie_word_embeddings=tied, **sizes
    )
    return CausalLM(transformers.LlamaForCausalLM(config))


def encoder() -> Any:
    from tunesmith.nn.encoder import EncoderClassifier, tiny_backbone

    return EncoderClassifier(tiny_backbone(61), 3, "mean")


def moving(net: Any, **options: Any) -> set[str]:
    tuning = catalog.part("tuning", "freeze")(**options)
    return set(tuning.delta(tuning.apply(net)))


def layers_of(names: set[str]) -> set[int]:
    return {int(name.split("layers.")[1].split(".")[0]) for name in names if "layers." in name}


def test_without_layers_a_language_models_output_matrix_moves_alone() -> None:
    assert moving(llama(tied=False), layers=0) == {"backbone.lm_head.weight"}


def test_a_tied_output_matrix_moves_with_the_embeddings_that_it_is() -> None:
    net = llama(tied=True)
    assert moving(net, layers=0) == {"backbone.model.embed_tokens.weight"}
    assert net.backbone.lm_head.weight is net.backbone.model.embed_tokens.weight


def test_which_layers_move() -> None:
    assert layers_of(moving(llama(tied=False), layers=3)) == {1, 2, 3}
    assert layers_of(moving(llama(tied=False), first=1)) == {1, 2, 3}
    assert layers_of(moving(llama(tied=False), layers=9)) == {0, 1, 2, 3}
    assert layers_of(moving(llama(tied=False), first=4)) == set()


def test_what_contradicts_itself_or_the_base_is_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        moving(llama(tied=False), first=1, layers=3)
    with pytest.raises(ValueError, match="4 layers"):
        moving(llama(tied=False), first=5)


def test_embeddings_move_where_they_are_asked() -> None:
    words = "backbone.model.embed_tokens.weight"
    assert words not in moving(llama(tied=False))
    assert words in moving(llama(tied=False), embeddings=True)
    plain, more = moving(encoder()), moving(encoder(), embeddings=True)
    assert more - plain
    assert all(".embeddings." in name for name in more - plain)


def scales(net: Any, name: str, **options: Any) -> dict[str, float]:
    tuning = catalog.part("tuning", name)(**options)
    groups = tuning.groups(tuning.apply(net))
    return {key: group.scale for group in groups for key, _ in group.members}


def test_layers_move_slower_from_the_top_down() -> None:
    found = scales(llama(tied=False), "full", layer_decay=0.5, head=3.0)
    assert found["backbone.lm_head.weight"] == 3.0
    assert found["backbone.model.norm.weight"] == 1.0
    rates = [found[f"backbone.model.layers.{n}.mlp.up_proj.weight"] for n in range(4)]
    assert rates == [0.125, 0.25, 0.5, 1.0]
    assert found["backbone.model.embed_tokens.weight"] == 0.0625
    assert set(scales(llama(tied=False), "full").values()) == {1.0}


def test_a_tied_matrix_has_the_rate_of_the_head() -> None:
    assert scales(llama(tied=True), "full", layer_decay=0.5)["backbone.model.embed_tokens.weight"] == 1.0


def opens(net: Any, **options: Any) -> list[tuple[str, float]]:
    tuning = catalog.part("tuning", "freeze")(unfreeze=True, **options)
    groups = tuning.groups(tuning.apply(net))
    return sorted({(key, group.opens_at) for group in groups for key, _ in group.members})


def test_layers_open_from_the_top_down_in_equal_shares() -> None:
    found = dict(opens(llama(tied=False), layers=2, embeddings=True))
    assert found["backbone.lm_head.weight"] == 0.0
    assert found["backbone.model.layers.3.mlp.up_proj.weight"] == 0.25
    assert found["backbone.model.layers.2.mlp.up_proj.weight"] == 0.5
    assert found["backbone.model.embed_tokens.weight"] == 0.75


def test_the_engine_keeps_a_closed_group_where_it_is(tmp_path: Any) -> None:
    import torch

    from miniature import job
    from tunesmith.train.engine import local

    tuning = catalog.part("tuning", "freeze")(layers=1, unfreeze=True)
    made = job(tmp_path)
    net = local.build(made, tuning)
    engine = local.Local(made, net, tuning, made.task, {}, "float32")
    examples = [one for row in made.train[:6] for one in made.task.encode(row, made.codec, None)]
    batch = made.task.collate(examples, made.codec)
    layer = {key: p for key, p in net.named_parameters() if "layer.1." in key}
    for share, still in ((0.0, True), (0.9, False)):
        before = {key: p.detach().clone() for key, p in layer.items()}
        engine.forward_backward(batch, engine.total([batch]), 0, 0)
        engine.optim_step(0.01, share)
        assert all(torch.equal(p, before[key]) for key, p in layer.items()) is still


def test_names_of_matrices_that_the_base_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'query'.*q_proj"):
        catalog.part("tuning", "lora")(targets=["query"]).apply(llama(tied=False))


def test_base_tensors_have_the_names_of_the_untuned_network() -> None:
    from tunesmith.nn import parameters

    plain = dict(llama(tied=False).named_parameters())
    net = catalog.part("tuning", "lora")().apply(llama(tied=False))
    found = parameters.base_tensors(net)
    assert set(plain) <= set(found)
    assert all("lora_" in name for name in set(found) - set(plain))
