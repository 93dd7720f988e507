"""A small base model in a local folder, as a user's own would be: random weights, a real tokenizer file."""

from __future__ import annotations

from pathlib import Path

from tunesmith.inputs.text import byte_tokenizer


def make(folder: Path) -> Path:
    """Write config.json, tokenizer.json and model.safetensors; return the folder."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(byte_tokenizer())
    return folder


def table(path: Path, rows: int = 150) -> Path:
    """A CSV of two classes that a small model can learn, with a group column."""
    lines = ["body,queue,customer"]
    for n in range(rows):
        what, label = ("invoice is wrong by", "billing") if n % 3 else ("parcel is late by", "delivery")
        lines.append(f"my {what} {n * 7919 % 97} since {n * 31 % 53},{label},c{n // 2}")
    path.write_text("\n".join(lines) + "\n")
    return path
