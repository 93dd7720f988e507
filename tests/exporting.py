"""Small models to export: bases of several families with a chat template, tuned by deltas that are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import adapters
import chatshapes
from tunesmith.events import Event
from tunesmith.lifecycle import shipping
from tunesmith.store import files

SIZE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,  # so that what comes next is not always the same
}


def base(folder: Path, family: str = "llama", shape: str = "chatml", **config: Any) -> Path:
    """A two-layer model with random weights, a tokenizer of bytes and special tokens, and a chat template."""
    import torch
    import transformers

    torch.manual_seed(0)
    made = transformers.AutoConfig.for_model(family, **SIZE, **config)
    transformers.AutoModelForCausalLM.from_config(made).save_pretrained(folder)
    look = chatshapes.SHAPES[shape]
    words = {"eos_token": look.eos, "pad_token": look.eos} | ({"bos_token": look.bos} if look.bos else {})
    settings = {"chat_template": look.program, "model_max_length": 512, **words}
    (folder / "tokenizer.json").write_bytes(tokenizer(look.specials))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def tokenizer(specials: tuple[str, ...]) -> bytes:
    """As `chatshapes.tokenizer`, with a decoder."""
    known = json.loads(chatshapes.tokenizer(specials))
    known["decoder"] = {
        "type": "ByteLevel",
        "add_prefix_space": True,
        "trim_offsets": True,
        "use_regex": True,
    }
    return json.dumps(known).encode()


def registered(
    home: Path, where: Path | str, *, tuning: str = "lora", seed: int = 1, task: str = "chat"
) -> str:
    """The name of a bundle on a base."""
    return adapters.register(home, where, seed, tuning=tuning, task=task)


def exported(
    ref: str, form: str, out: Path, home: Path, *overrides: str, server: bool = False
) -> list[Event]:
    """Events of an export, the last of which has its result."""
    return list(shipping.export(ref, form, out=out, overrides=overrides, home=home, server=server))


def agreements(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The lines of an export's proof by what was compared and who read it (without versions)."""
    known = files.read_json(out / "parity.json")["agreements"]
    return {(each["what"], each["by"].partition(" ")[0]): each for each in known}
