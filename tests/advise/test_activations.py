"""The formula of what a forward pass keeps is what autograd keeps."""

from __future__ import annotations

from typing import Any

import pytest

from baseshapes import BERT, GPT2
from tunesmith.advise import activations, sizes
from tunesmith.advise.activations import Work
from tunesmith.advise.moving import moving

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 160,
    "vocab_size": 64,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
SMALL_GPT2 = {**GPT2, "n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 64, "n_positions": 512}
SMALL_GPT2 |= {"bos_token_id": 0, "eos_token_id": 0}
SMALL_BERT = {**BERT, "num_hidden_layers": 3, "max_position_embeddings": 512}
ROWS = 4
TUNINGS = {
    "full": ("full", {}),
    "lora": ("lora", {"rank": 8, "targets": "linear"}),
    "fused": ("lora", {"rank": 8, "targets": "linear"}),
    "attention": ("lora", {"rank": 8, "targets": "attention"}),
    "top": ("freeze", {"layers": 2}),
}
PAIRS = [(LLAMA, name) for name in TUNINGS]
PAIRS += [(config, name) for config in (SMALL_GPT2, SMALL_BERT) for name in ("full", "lora", "fused")]


def tuned(net: Any, name: str) -> Any:
    """The tuning applied by hand: the formula must not depend on our own code being right."""
    if name == "top":
        stack = max((m for m in net.modules() if isinstance(m, torch.nn.ModuleList)), key=len)
        net.requires_grad_(False)
        stack[-2:].requires_grad_(True)
    elif name != "full":
        peft = pytest.importorskip("peft")
        wanted = ("attn", "attention") if name == "attention" else ("",)
        maps = [
            path
            for path, module in net.named_modules()
            if (isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D")
            and path.startswith("backbone.")
            and "lm_head" not in path
            and any(word in path for word in wanted)
        ]
        net.requires_grad_(False)
        peft.inject_adapter_in_model(peft.LoraConfig(r=8, target_modules=maps), net)
        if name == "fused":
            from tunesmith.nn import low_rank

            assert low_rank.fuse(net, "default") == len(maps)
    return net


def network(config: dict[str, Any], layers: int) -> Any:
    config = {**config, "num_hidden_layers": layers, "n_layer": layers}
    if config["model_type"] == "bert":
        from tunesmith.nn import encoder

        return encoder.EncoderClassifier(encoder.backbone(config), 3, "mean")
    from tunesmith.nn import decoder

    return decoder.structure(config)


def kept(config: dict[str, Any], layers: int, tuning: str, work: Work) -> int:
    """Bytes of the storages that autograd keeps, but for parameters."""
    net = network(config, layers)
    net = tuned(net.to(torch.bfloat16) if work.size == 2 else net, tuning)
    net.begin(0, work.dropout)
    net.train()
    known = {p.untyped_storage().data_ptr() for p in net.parameters()}
    seen: dict[int, int] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.zeros(work.rows, work.length, dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[0, -5:] = 0
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        found = net.hidden(ids, mask) if hasattr(net, "hidden") else net.backbone(ids, mask).last_hidden_state
        found.float().sum()
    return sum(seen.values())


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize(("length", "dropout"), [(64, 0.1), (300, 0.0), (300, 0.1)])
@pytest.mark.parametrize(
    ("config", "tuning"), PAIRS, ids=[f"{config['model_type']}-{tuning}" for config, tuning in PAIRS]
)
def test_a_further_layer_keeps_what_the_formula_says(
    config: dict[str, Any], tuning: str, size: int, length: int, dropout: float
) -> None:
    work = Work(ROWS, length, size, dropout)
    shape = sizes.shape(config, decoder=config["model_type"] != "bert", counted="formula")
    moves = moving(shape, *TUNINGS[tuning])
    assert moves is not None
    measured = kept(config, 4, tuning, work) - kept(config, 3, tuning, work)
    if tuning == "top":  # the frozen layers below keep nothing
        assert measured == 0
        measured = kept(config, 3, tuning, work) - kept(config, 1, tuning, work)
        assert measured > 0
        return
    expected = activations.layer(shape, moves, work, whole=tuning == "full")
    assert measured == pytest.approx(expected, rel=0.03)
