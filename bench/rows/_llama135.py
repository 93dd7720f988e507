"""What C1 and C4 start from: a Llama of 135 M parameters with seeded random weights, a tokenizer, rows as tokens.

The shape is that of SmolLM-135M, so weights of that kind are not needed to measure speed.  The tokenizer is trained on
the row's own text; its vocabulary is smaller than the model's, whose output matrix keeps its 49,152 rows.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.row import Run

SEED = 20261121
BOS, EOS, PAD = "<s>", "</s>", "<pad>"
VOCABULARY = 8192  # tokens that the tokenizer knows: about four characters a token, as SmolLM's on English
WINDOW = 1024  # tokens of a row at most; longer ones are left out for every arm
SPREAD = 0.02  # standard deviation of the random matrices, as the family begins
RANK, ALPHA = 16, 32
MEAN_TOKENS = 2816  # of a micro-batch: the rows of the products that MFU is measured against
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "hidden_act": "silu",
    "max_position_embeddings": WINDOW,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": True,
    "initializer_range": SPREAD,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "torch_dtype": "float32",
}
Pair = tuple[str, str]  # prompt, answer


# ---- the model ----------------------------------------------------------------------------------------------------


def matrices(config: dict[str, Any] = CONFIG) -> dict[str, tuple[int, int]]:
    """Name → (outputs, inputs) of the matrices of one layer: all of them are adapted."""
    width, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    query, key = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    return {
        "self_attn.q_proj": (query, width),
        "self_attn.k_proj": (key, width),
        "self_attn.v_proj": (key, width),
        "self_attn.o_proj": (width, query),
        "mlp.gate_proj": (inner, width),
        "mlp.up_proj": (inner, width),
        "mlp.down_proj": (width, inner),
    }


def base(folder: Path, texts: Iterable[str], config: dict[str, Any] = CONFIG) -> Path:
    """The folder of the base: config, seeded float32 weights, tokenizer.  What is there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tokenizer.json").is_file():
        (folder / "tokenizer.json").write_text(_tokenizer(texts), encoding="utf-8")
    words = {"bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "model_max_length": WINDOW}
    words["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    if not (folder / "model.safetensors").is_file():
        _weights(folder / "model.safetensors", config)
    return folder


def _weights(goal: Path, config: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    rng, width = np.random.default_rng(SEED), config["hidden_size"]

    def drawn(*shape: int) -> np.ndarray:
        return SPREAD * rng.standard_normal(shape, np.float32)

    found = {"model.embed_tokens.weight": drawn(config["vocab_size"], width)}
    for layer in range(config["num_hidden_layers"]):
        place = f"model.layers.{layer}"
        found |= {f"{place}.{name}.weight": drawn(*shape) for name, shape in matrices(config).items()}
        for norm in ("input_layernorm", "post_attention_layernorm"):
            found[f"{place}.{norm}.weight"] = np.ones(width, np.float32)
    found["model.norm.weight"] = np.ones(width, np.float32)
    partial = goal.with_suffix(".partial")
    save_file(found, str(partial), metadata={"format": "pt"})
    partial.replace(goal)


def _tokenizer(texts: Iterable[str]) -> str:
    """Bytes as BPE, with the pieces that GPT-2 cuts text into; a text begins with BOS."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    made.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 0)])  # pyright: ignore[reportAttributeAccessIssue]
    return made.to_str()


# ---- rows ---------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a packed JSON lines file."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()]


def sample(rows: Sequence[Any], count: int) -> list[Any]:
    """So many rows, drawn by the seed: a smaller draw is the beginning of a larger one."""
    order = list(range(len(rows)))
    random.Random(SEED).shuffle(order)
    return [rows[at] for at in order[:count]]


def encoder(folder: Path) -> Callable[[str, str], tuple[list[int], int]]:
    """(prompt, answer) → (BOS, prompt, answer, EOS as ids; where the answer begins)."""
    from tokenizers import Tokenizer

    known = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(prompt: str, answer: str) -> tuple[list[int], int]:
        before = known.encode(prompt).ids
        after = known.encode(answer, add_special_tokens=False).ids
        return [*before, *after, CONFIG["eos_token_id"]], len(before)

    return encode


def write_tokens(path: Path, rows: Sequence[tuple[list[int], int]]) -> None:
    """ids and offsets of all rows, and `starts`: from which place of a row on tokens are learnt."""
    offsets = np.cumsum([0, *(len(ids) for ids, _ in rows)])
    ids = np.array([each for row, _ in rows for each in row], np.int64)
    np.savez(path, ids=ids, offsets=offsets, starts=np.array([start for _, start in rows], np.int64))


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """JSON lines."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def lengths(rows: Sequence[tuple[list[int], int]]) -> dict[str, float]:
    """How long rows are: quantiles in tokens, and the mean and spread of their logarithm with its skewness.

    A lognormal law has a skewness of 0 there.
    """
    sizes = np.array([len(ids) for ids, _ in rows], float)
    logs = np.log(sizes)
    spread = logs.std() or 1.0
    quantiles = dict(zip(("p10", "p50", "p90"), np.percentile(sizes, [10, 50, 90]).tolist(), strict=True))
    return {
        "rows": len(rows),
        "tokens": float(sizes.sum()),
        **quantiles,
        "log_mean": round(float(logs.mean()), 3),
        "log_spread": round(float(logs.std()), 3),
        "log_skewness": round(float((((logs - logs.mean()) / spread) ** 3).mean()), 3),
    }


def digest(*values: Any) -> str:
    """A short name of what a folder's content depends on."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


# ---- work ---------------------------------------------------------------------------------------------------------


def weights_of_layers(config: dict[str, Any] = CONFIG) -> int:
    """Numbers in the matrices of all layers: the N of 4N."""
    return config["num_hidden_layers"] * sum(out * into for out, into in matrices(config).values())


def flops(
    tokens: float, seen: float, learnt: float, config: dict[str, Any] = CONFIG, *, trained: bool = True
) -> float:
    """Useful FLOPs of one pass: matrices 2N a token, attention 4·d a pair of tokens that see each other, the head
    2·d·V a learnt token; trained with LoRA: as much again for the gradients of inputs (attention twice as much).

    tokens: real ones, no padding.  seen: pairs (query, key) under the causal mask.  The updates' own share (about 5 %)
    and anything computed twice count nothing.
    """
    width = config["num_attention_heads"] * config["head_dim"]
    products = 2.0 * weights_of_layers(config) * tokens
    products += 2.0 * config["hidden_size"] * config["vocab_size"] * learnt
    attention = 4.0 * width * seen * config["num_hidden_layers"]
    return products * (2 if trained else 1) + attention * (3 if trained else 1)


def shapes(config: dict[str, Any] = CONFIG) -> list[tuple[int, int, int]]:
    """(m, k, n) of the products that take most of the time."""
    found = sorted({(into, out) for out, into in matrices(config).values()})
    return [(MEAN_TOKENS, into, out) for into, out in found]


def spent(run: Run) -> float:
    """Seconds to load, prepare and train.  Imports are left out: the runs are shorter than a user's, and what comes
    before the first step is row C9."""
    return sum(run.said["seconds"][phase] for phase in ("load", "prepare", "train"))
