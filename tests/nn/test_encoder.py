"""Encoders of the usual families: built small from their configurations, saved, loaded, read, frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
SMALL = {
    "vocab_size": 120,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SMALL | {"max_position_embeddings": 40},
    "roberta": SMALL | {"max_position_embeddings": 40},
    "mpnet": SMALL | {"max_position_embeddings": 40},
    "electra": SMALL | {"max_position_embeddings": 40, "embedding_size": 16},
    "distilbert": {
        "vocab_size": 120,
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 32,
        "max_position_embeddings": 40,
    },
}


def net_of(family: str) -> Any:
    import torch

    from tunesmith.nn.encoder import EncoderClassifier, backbone

    torch.manual_seed(1)
    return EncoderClassifier(backbone({"model_type": family, **FAMILIES[family]}), 3, "mean")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_read_and_its_weights_come_back(family: str, tmp_path: Path) -> None:
    import torch

    from tunesmith.nn import parameters, pretrained

    net = net_of(family)
    net.backbone.save_pretrained(tmp_path)
    ids, mask = torch.tensor([[5, 6, 7, 1], [8, 9, 1, 1]]), torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    again = net_of(family)
    for p in again.backbone.parameters():
        torch.nn.init.zeros_(p)
    pretrained.load(again, tmp_path)
    with torch.no_grad():
        first, second = net.eval().features(ids, mask), again.eval().features(ids, mask)
    assert first.shape == (2, 32)
    assert first.equal(second)
    assert torch.allclose(first[:, :16].norm(dim=1), torch.ones(2), atol=1e-5)
    parameters.freeze_below(net, 1)
    moved = set(parameters.moving(net))
    assert {"head.weight", "head.bias"} < moved
    assert all(".1." in name or name.startswith("head") for name in moved)
    assert parameters.linear_names(net, 1, 0)


def test_what_stands_under_the_mask_is_not_read() -> None:
    import torch

    net = net_of("bert").eval()
    mask = torch.tensor([[1, 1, 0, 0]])
    with torch.no_grad():
        one = net(torch.tensor([[5, 6, 7, 8]]), mask)
        other = net(torch.tensor([[5, 6, 9, 10]]), mask)
    assert torch.allclose(one, other, atol=1e-6)


def test_an_unknown_family_is_an_error_with_a_code(tmp_path: Path) -> None:
    import tinybase
    from tunesmith import bases, catalog
    from tunesmith.errors import MissingError
    from tunesmith.parts import Profile
    from tunesmith.train.engine import local

    folder = tinybase.make(tmp_path / "base")
    config = (folder / "config.json").read_text().replace('"model_type": "bert"', '"model_type": "nonesuch"')
    (folder / "config.json").write_text(config)
    base = bases.resolve(str(folder))
    task = catalog.part("task", "text-classification")()
    with pytest.raises(MissingError, match="B205"):
        local.pretrained(task, base, task.codec(base, Profile(2, {"a": 1, "b": 1})))


def test_a_base_of_another_kind_is_refused_with_the_task_that_it_can_do(tmp_path: Path) -> None:
    import tinybase
    from tunesmith import bases, catalog
    from tunesmith.errors import MissingError
    from tunesmith.inputs import masking
    from tunesmith.parts import Profile
    from tunesmith.train.engine import local

    (tinybase.make(tmp_path) / "tokenizer.json").write_bytes(masking.byte_tokenizer())
    base, task = bases.resolve(str(tmp_path)), catalog.part("task", "language-model")()
    with pytest.raises(MissingError) as refused:
        local.pretrained(task, base, task.codec(base, Profile(0)))
    assert refused.value.code == "B205"
    assert refused.value.fixes[0] == "--set task.name=masked-language-model"
