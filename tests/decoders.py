"""Families of decoders, each as the configuration of a miniature, and how tests make and compare their networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VOCABULARY = 61
SIZE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 48,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = SIZE | {"num_key_value_heads": 2}
HEADED = GROUPED | {"head_dim": 8}
OLD = SIZE | {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 48, "n_inner": 24}
OLD = {key: value for key, value in OLD.items() if not key.startswith(("hidden", "num", "inter", "max"))}
EXPERTS = GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2}

FAMILIES: dict[str, dict[str, Any]] = {
    "arcee": HEADED,
    "bloom": SIZE,
    "cohere": GROUPED | {"logit_scale": 0.25},
    "ernie4_5": HEADED,
    "exaone4": GROUPED | {"sliding_window": 32},
    "falcon": SIZE | {"new_decoder_architecture": False, "alibi": False},
    "gemma": HEADED,
    "gemma2": HEADED | {"final_logit_softcapping": 5.0, "attn_logit_softcapping": 3.0, "sliding_window": 32},
    "gemma3_text": HEADED | {"sliding_window": 32},
    "glm": HEADED,
    "gpt2": OLD,
    "gpt_bigcode": OLD,
    "gpt_neo": SIZE
    | {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 4},
    "gpt_neox": SIZE,
    "gptj": OLD | {"rotary_dim": 4},
    "granite": GROUPED | {"logits_scaling": 4.0, "residual_multiplier": 0.5},
    "helium": GROUPED | {"head_dim": 4},
    "llama": GROUPED,
    "mamba": SIZE | {"state_size": 4},
    "minicpm3": SIZE
    | {"num_key_value_heads": 4, "dim_model_base": 8, "q_lora_rank": 8, "kv_lora_rank": 8}
    | {"qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "head_dim": 4, "v_head_dim": 4},
    "mistral": GROUPED | {"sliding_window": 32},
    "mixtral": EXPERTS,
    "mpt": {"vocab_size": VOCABULARY, "d_model": 16, "n_heads": 4, "n_layers": 2, "max_seq_len": 48},
    "nemotron": HEADED,
    "olmo": GROUPED,
    "olmo2": GROUPED,
    "olmo3": GROUPED | {"sliding_window": 32},
    "opt": SIZE | {"ffn_dim": 24, "word_embed_proj_dim": 16, "dropout": 0.1},
    "persimmon": SIZE,
    "phi": SIZE,
    "phi3": GROUPED,
    "qwen2": GROUPED,
    "qwen3": HEADED,
    "seed_oss": HEADED,
    "smollm3": GROUPED,
    "stablelm": GROUPED,
    "starcoder2": GROUPED | {"sliding_window": None},
    "xglm": {"vocab_size": VOCABULARY, "d_model": 16, "num_layers": 2, "attention_heads": 4, "ffn_dim": 24}
    | {"max_position_embeddings": 48},
}

SHARING = (  # those whose answers may share a prompt (`nn/shared_prompt.py`)
    *("arcee", "cohere", "ernie4_5", "exaone4", "falcon", "gemma", "gemma2", "gemma3_text", "glm", "gpt2"),
    *(
        "gpt_bigcode",
        "gpt_neox",
        "gptj",
        "granite",
        "helium",
        "llama",
        "mistral",
        "mixtral",
        "nemotron",
        "olmo",
    ),
    *(
        "olmo2",
        "olmo3",
        "opt",
        "persimmon",
        "phi",
        "phi3",
        "qwen2",
        "qwen3",
        "seed_oss",
        "smollm3",
        "stablelm",
    ),
    *("starcoder2", "xglm"),
)


def made(family: str, seed: int = 3) -> Any:
    """A network with weights so large that attention has preferences and logits reach their caps."""
    import torch

    from tunesmith.nn import decoder

    torch.manual_seed(seed)
    net = decoder.structure({"model_type": family, **FAMILIES[family]})
    with torch.no_grad():
        for name, weights in net.named_parameters():
            if weights.ndim > 1 and "A_log" not in name:
                weights.normal_(0.0, 0.2)
    return net


def saved(net: Any, folder: Path) -> Path:
    """A folder as bases are: config.json and the weights of `net.backbone` in one file."""
    from safetensors.torch import save_file

    net.backbone.config.save_pretrained(folder)
    tensors = {name: each.clone() for name, each in net.backbone.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    return folder


def batch(lengths: tuple[int, ...] = (11, 7, 4), seed: int = 5) -> dict[str, Any]:
    """Rows of random tokens, padded on the right; about half of them are targets, of different weights."""
    import torch

    draws = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(3, VOCABULARY, shape, generator=draws) * mask
    weights = torch.rand(shape, generator=draws) * (torch.rand(shape, generator=draws) < 0.6) * mask
    weights[:, 0] = 0.0
    return {"ids": ids, "mask": mask, "weights": weights}


def naive_logprobs(model: Any, ids: Any, mask: Any = None) -> Any:
    """By the family's own forward and full logits: log-probability of each token after the first [B, T - 1]."""
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits.float()
    return logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]


def gradients(net: Any, loss: Any) -> dict[str, Any]:
    """Of all parameters, by name; zeros where the loss has nothing to do with one."""
    import torch

    net.zero_grad()
    loss.backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone() for name, p in net.named_parameters()
    }


def apart(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, str]:
    """(largest difference of two gradients ÷ the tensor's largest number, which tensor).

    A tensor whose gradient is below a thousandth of the largest one is measured against that thousandth, biases of keys
    against the largest one: a number added to all scores changes no softmax, so theirs may be rounding about 0.
    """
    assert ours.keys() == theirs.keys()
    most = max(float(each.abs().max()) for each in theirs.values())
    floors = {name: most * (1.0 if name.endswith("k_proj.bias") else 1e-3) for name in theirs}
    return max(
        (float((ours[name] - each).abs().max() / max(float(each.abs().max()), floors[name])), name)
        for name, each in theirs.items()
    )
