"""Saved adapters in PEFT's file form: peft itself loads them over the base and says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith import catalog

pytestmark = pytest.mark.neural
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("lora", {}),
    ("lora", {"rslora": True, "rank": 8}),
    ("lora", {"dora": True}),
    ("lora", {"targets": ["q_proj", "v_proj"], "layers": 2}),
    ("ia3", {}),
    ("prompt", {"tokens": 5}),
]


@pytest.fixture
def stories(shared: Path) -> Path:
    """A real small base."""
    folder = shared / "models" / "stories260k-llama"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set TUNESMITH_SHARED to the folder of shared data")
    return folder


def stirred(net: Any, tuning: Any) -> Any:
    """What moves, moved at random."""
    import torch

    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for group in tuning.groups(net):
            for _, p in group.members:
                p.add_(torch.randn(p.shape, generator=generator) * 0.05)
    return net.eval()


def written(folder: Path, net: Any, tuning: Any, base: str) -> Path:
    from safetensors.torch import save_file

    from tunesmith.nn import peft_form

    save_file(peft_form.to_file(net, tuning.delta(net)), folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(tuning.card(net, base)))
    return folder


@pytest.mark.parametrize(("name", "ways"), WAYS, ids=str)
def test_peft_says_the_same_over_the_real_base(
    name: str, ways: dict[str, Any], stories: Path, tmp_path: Path
) -> None:
    import peft
    import torch
    import transformers

    from tunesmith.nn import decoder, pretrained

    folder = stories
    config = json.loads((folder / "config.json").read_text())
    net = decoder.structure(config)
    pretrained.load(net, folder)
    net.begin(0, 0.0)
    torch.manual_seed(0)
    tuning = catalog.part("tuning", name)(**ways)
    net = stirred(tuning.apply(net), tuning)
    ids = torch.arange(2, 42).reshape(2, 20)
    base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    loaded = peft.PeftModel.from_pretrained(base, written(tmp_path, net, tuning, str(folder))).eval()
    with torch.no_grad():
        ours = net.backbone(input_ids=ids).logits
        theirs = loaded(input_ids=ids).logits[:, -ids.shape[1] :]
        plain = base(input_ids=ids).logits[:, -ids.shape[1] :] if name == "prompt" else None
    assert ours.allclose(theirs, atol=1e-5, rtol=1e-5)
    assert plain is None or not ours.allclose(plain, atol=1e-3)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("name", ["lora", "ia3"])
def test_peft_says_the_same_over_tiny_bases(name: str, family: str, tmp_path: Path) -> None:
    import peft
    import torch
    import transformers

    from tunesmith.nn import decoder

    if family == "gpt2":
        config = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    else:
        config = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        config |= {"intermediate_size": 64}
    torch.manual_seed(0)
    net = decoder.structure(config | {"vocab_size": 64})
    net.begin(0, 0.0)
    net.backbone.save_pretrained(tmp_path / "base")
    tuning = catalog.part("tuning", name)()
    net = stirred(tuning.apply(net), tuning)
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base").eval()
    ids = torch.arange(2, 42).reshape(2, 20)
    with torch.no_grad():
        plain = base(input_ids=ids).logits
        loaded = peft.PeftModel.from_pretrained(base, written(tmp_path, net, tuning, "base")).eval()
        theirs = loaded(input_ids=ids).logits
        ours = net.backbone(input_ids=ids).logits
    assert ours.allclose(theirs, atol=1e-5, rtol=1e-5)
    assert not ours.allclose(plain, atol=1e-3)


@pytest.mark.parametrize("name", ["lora", "ia3"])
def test_a_classifiers_head_is_a_module_to_save(name: str, tmp_path: Path) -> None:
    import peft
    import torch

    from tunesmith.nn.encoder import EncoderClassifier, tiny_backbone

    def fresh() -> Any:
        torch.manual_seed(0)
        net = EncoderClassifier(tiny_backbone(61), 3, "mean")
        net.begin(0, 0.0)
        return net.eval()

    tuning = catalog.part("tuning", name)()
    net = stirred(tuning.apply(fresh()), tuning)
    card = tuning.card(net, "base")
    assert card["modules_to_save"] == ["head"]
    loaded = peft.PeftModel.from_pretrained(fresh(), written(tmp_path, net, tuning, "base")).eval()
    ids = torch.arange(3, 33).reshape(3, 10)
    with torch.no_grad():
        assert net(ids, torch.ones_like(ids)).allclose(loaded(ids, torch.ones_like(ids)), atol=1e-5)


def test_names_go_to_the_file_and_back() -> None:
    from tunesmith.nn import decoder, peft_form

    for name, ways in (("lora", {"dora": True}), ("ia3", {}), ("prompt", {})):
        tuning = catalog.part("tuning", name)(**ways)
        net = tuning.apply(decoder.tiny(64))
        delta = tuning.delta(net)
        named = peft_form.to_file(net, delta)
        assert len(named) == len(delta)
        back = peft_form.from_file(net, named)
        assert all(back[key].equal(value) for key, value in delta.items())
        tuning.load(net, back)


def test_the_file_names_are_pefts() -> None:
    from tunesmith.nn import decoder, peft_form

    tuning = catalog.part("tuning", "lora")(targets="attention", dora=True)
    net = tuning.apply(decoder.tiny(64))
    names = set(peft_form.to_file(net, tuning.delta(net)))
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    assert {f"{layer}.lora_A.weight", f"{layer}.lora_B.weight", f"{layer}.lora_magnitude_vector"} < names
    card = tuning.card(net, "base")
    assert card["target_modules"] == ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert (card["peft_type"], card["task_type"], card["use_dora"]) == ("LORA", "CAUSAL_LM", True)
    top = catalog.part("tuning", "lora")(top=1)
    assert top.card(top.apply(decoder.tiny(64)), "base") is None
