"""Causal language models that know nothing: a size, a configuration, random weights."""

from __future__ import annotations

from typing import Any

import torch

from tunesmith.nn.decoder import structure

# (layers, width), smallest first; heads are 32 wide
SHAPES = ((2, 64), (4, 128), (6, 192), (8, 256), (8, 384), (12, 512), (12, 768))
PER_PARAMETER = 20.0  # tokens that a parameter is worth (Hoffmann et al. 2022)
PASSES = 4.0  # after as many, the same tokens again are worth much less than others (Muennighoff et al. 2023)


def parameters(layers: int, width: int) -> int:
    """Of the layers, without embeddings: 12 · layers · width² (Kaplan et al. 2020)."""
    return 12 * layers * width * width


def shape(tokens: float, epochs: float) -> tuple[int, int]:
    """(layers, width): the largest shape whose parameters the data pays for, or else the smallest."""
    budget = tokens * min(epochs, PASSES) / PER_PARAMETER
    paid = [each for each in SHAPES if parameters(*each) <= budget]
    return paid[-1] if paid else SHAPES[0]


def config(layers: int, width: int, *, vocabulary: int, window: int, **ids: int) -> dict[str, Any]:
    """`config.json` of a Llama; ids: bos_token_id, eos_token_id, pad_token_id."""
    heads = max(1, width // 32)
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": -(-width * 8 // 3 // 16) * 16,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": window,
        "tie_word_embeddings": True,
        **ids,
    }


def weights(settings: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    """Random weights of a configuration by the names of Hugging Face; tied tensors once."""
    torch.manual_seed(seed)
    net = structure(settings)
    return {name: each.detach().contiguous() for name, each in net.backbone.named_parameters()}
