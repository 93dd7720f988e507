"""Public shapes of bases, as their configurations state them."""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]


def _llama(width: int, layers: int, heads: int, kv: int, inner: int, words: int, **more: Any) -> Config:
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "intermediate_size": inner,
        "vocab_size": words,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": False,
        **more,
    }


LLAMA_7B = _llama(4096, 32, 32, 32, 11008, 32000)
MISTRAL_7B = _llama(4096, 32, 32, 8, 14336, 32000, model_type="mistral")
QWEN2_05B = _llama(896, 24, 14, 2, 4864, 151936, model_type="qwen2", tie_word_embeddings=True)
SMOLLM_135M = _llama(576, 30, 9, 3, 1536, 49152, tie_word_embeddings=True)
GPT2: Config = {
    "model_type": "gpt2",
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "vocab_size": 50257,
    "n_positions": 1024,
}
BERT: Config = {
    "model_type": "bert",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "vocab_size": 100,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
}
# tiny members of the families that the formula knows
_TINY = _llama(64, 2, 4, 2, 96, 1000, pad_token_id=0, bos_token_id=1, eos_token_id=2)
_WIDE = {"head_dim": 32}  # heads that together are wider than the states
FAMILIES = [
    {**_TINY, "attention_bias": True, "mlp_bias": True},
    {**_TINY, "model_type": "mistral"},
    {**_TINY, "model_type": "phi3"},
    *({**_TINY, **_WIDE, "model_type": family} for family in ("gemma", "gemma2", "olmo2", "qwen2")),
    *({**_TINY, **_WIDE, "model_type": family} for family in ("qwen3", "smollm3")),
]
