"""Public shapes as configurations of transformers, miniatures of them, and what a token costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# https://huggingface.co/meta-llama/Meta-Llama-3-8B and https://huggingface.co/Qwen/Qwen2.5-0.5B, their config.json
LLAMA_8B: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
QWEN_05B: dict[str, Any] = {
    "model_type": "qwen2",
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
TINY = {
    "vocab_size": 256,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    rows: of one optimiser step.  longest: tokens of a row.  middle, spread: of the lengths' logarithm.  answer: share
    of a row's tokens that is learnt.  adapters: how many are trained.  micro_tokens: padded tokens that ours computes
    together.  full: all weights move, else LoRA of rank 16.
    """

    name: str
    config: dict[str, Any]
    rows: int
    longest: int
    middle: float
    spread: float
    answer: float
    micro_tokens: int
    full: bool = False
    pairs: bool = False
    adapters: int = 1


ROWS = {
    row.name: row
    for row in (
        Row("G1", LLAMA_8B, 32, 4096, 600.0, 0.8, 0.5, 16384),
        Row("G2", QWEN_05B, 64, 2048, 250.0, 0.7, 0.6, 32768, full=True),
        Row("G3", LLAMA_8B, 16, 4096, 1500.0, 0.4, 0.2, 16384, pairs=True),
        Row("G4", QWEN_05B, 16, 1024, 200.0, 0.7, 0.6, 16384, adapters=8),
    )
}


def tiny(row: Row) -> Row:
    """The same work in miniature: seconds on a CPU."""
    config = {**row.config, **TINY}
    few = {"rows": 4, "longest": 48, "middle": 16.0, "micro_tokens": 128, "adapters": min(2, row.adapters)}
    return Row(**{**vars(row), "config": config, **few})


def matrices(config: dict[str, Any]) -> int:
    """Numbers in the matrices of all layers: what every token is multiplied by."""
    wide, inner = config["hidden_size"], config["intermediate_size"]
    keys = wide * config["num_key_value_heads"] // config["num_attention_heads"]
    return config["num_hidden_layers"] * (2 * wide * wide + 2 * wide * keys + 3 * wide * inner)


def operations(row: Row, tokens: int, seen: float, learnt: int) -> float:
    """Useful operations of one pass over rows: two for each number and token forward, two backward, two for the
    gradient of a matrix that moves; the output matrix for learnt tokens only.

    seen: pairs of tokens of which one sees the other.  Nothing is counted for padding, for what is computed again, or
    for a prompt's second copy.
    """
    times = 6 if row.full else 4
    wide, layers = row.config["hidden_size"], row.config["num_hidden_layers"]
    head = times * row.config["vocab_size"] * wide * learnt
    attention = 3 * 4 * wide * layers * seen  # two products forward, four backward
    return times * matrices(row.config) * tokens + head + attention
