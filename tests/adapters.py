"""Small causal models for tests: a base in a folder, and registered adapters of it that differ by their seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith import bases, catalog, model
from tunesmith.fields import Record
from tunesmith.inputs.text import byte_tokenizer
from tunesmith.parts import Job, Profile
from tunesmith.recipe.sections import Data, Part, Recipe
from tunesmith.registry import Registry
from tunesmith.store import files
from tunesmith.train.engine import local

WINDOW, TOKENS = 96, 8


def make_base(folder: Path) -> Path:
    """A two-layer Llama with random weights and a tokenizer of bytes."""
    import tokenizers
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
        initializer_range=0.3,  # so that what comes next is not always the same
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    letters = tokenizers.Tokenizer.from_str(byte_tokenizer().decode())
    letters.decoder = tokenizers.decoders.ByteLevel()
    letters.save(str(folder / "tokenizer.json"))
    return folder


def register(
    home: Path,
    base: Path | str,
    seed: int,
    *,
    tuning: str = "lora",
    approach: str = "tune",
    task: str = "chat",
) -> str:
    """A bundle with a delta drawn from a seed, proven by nothing but its golden rows; its name in the registry."""
    import torch
    from safetensors.torch import save_file

    recipe = Recipe(
        base=str(base),
        task=Part(name=task, answer_tokens=TOKENS),
        data=Data(source="made up"),
        approach=Part(name=approach),
        tuning=Part(name=tuning),
    )
    part: Any = catalog.make("task", recipe.task)
    found = bases.resolve(str(base))
    folder = files.make_folder(home / "made" / f"{approach}-{tuning}-{seed}")
    codec, how = part.codec(found, Profile(0)), catalog.make("tuning", recipe.tuning)
    net = local.build(Job(part, recipe, (), (), codec, found, folder, folder), how)
    draw = torch.Generator().manual_seed(seed)
    delta = {
        name: 0.3 * torch.randn(tensor.shape, generator=draw)
        for name, tensor in sorted(how.delta(net).items())
    }
    files.make_folder(folder / "model")
    save_file(delta, folder / "model" / "delta.safetensors")
    made = model.write_bundle(
        folder,
        name=f"adapter-{seed}",
        codec=codec,
        recipe=recipe,
        base=found,
        evaluation={},
        lineage={},
        golden=[Record(dict(row.fields)) for row in part.samples()[:2]],
    )
    return Registry(home).register(folder, f"adapter-{seed}", made.digest, {}).ref
