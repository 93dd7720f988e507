"""What the peers' language arms share: rows, LoRA, a look at the first loss, what is saved.

Imports what peers have: the standard library, numpy, torch, transformers, peft.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _common

RANK, ALPHA = 16, 32
IGNORED = -100
LOOKED_AT = 4  # rows of the look at the first loss: few, so that it never sets the peak of memory
FACTOR = re.compile(r"layers\.(\d+)\.(self_attn|mlp)\.(\w+?)\.lora_([AB])\b")


def quiet(task: dict[str, Any]) -> None:
    """Caches of the peer's libraries go into the run's own folder: nothing is known from an earlier run."""
    os.environ["HF_HOME"] = str(Path(task["out"]) / "hub")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"


def rows(path: str) -> list[tuple[Any, int]]:
    """(ids, where the learnt part begins) of each row."""
    ids, columns = _common.rows(path)
    return list(zip(ids, columns["starts"].tolist(), strict=True))


def model(task: dict[str, Any], dtype: str, attention: str = "sdpa") -> Any:
    """The base from the one weights file.  dtype: of its numbers."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        task["weights"], dtype=getattr(torch, dtype), attn_implementation=attention
    )


def lora() -> Any:
    """Rank 16, alpha 32, every matrix of every layer, nothing dropped."""
    from peft import LoraConfig

    return LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM"
    )


def first_loss(net: Any, looked: Sequence[tuple[Any, int]], context: Any) -> float:
    """Mean −log probability of the learnt tokens of a few rows, one row at a time.  context: the arm's precision."""
    import torch

    total, count = 0.0, 0
    training, _ = net.training, net.eval()
    with torch.no_grad(), context:
        for ids, start in looked[:LOOKED_AT]:
            given = torch.tensor(ids[None, :])
            logits = net(given, use_cache=False).logits[0, start - 1 : -1].float()
            total += float(torch.nn.functional.cross_entropy(logits, given[0, start:], reduction="sum"))
            count += len(ids) - start
    net.train(training)
    return total / count


def save_adapter(net: Any, out: str, scale: float = ALPHA / RANK) -> None:
    """The factors under neutral names, `layers.0.self_attn.q_proj.A`: the judge folds them into the base in float32."""
    from safetensors.torch import save_file

    save_file(factors(net.named_parameters()), str(Path(out) / "adapter.safetensors"), {"scale": str(scale)})


def factors(named: Any) -> dict[str, Any]:
    """Neutral name → factor in float32 of whatever is called `…layers.N.PLACE.NAME.lora_A…`."""
    found = {}
    for name, tensor in named:
        if match := FACTOR.search(name):
            layer, place, matrix, side = match.groups()
            found[f"layers.{layer}.{place}.{matrix}.{side}"] = tensor.detach().float().contiguous().clone()
    return found


def logged(history: Sequence[dict[str, Any]], key: str) -> list[float]:
    """The values of a key of a Trainer's log, in order."""
    return [float(each[key]) for each in history if key in each]


def batches(task: dict[str, Any]) -> dict[str, Any]:
    """Samples of an update as the Trainer says them: at once, and how often before an update."""
    together = int(task["options"].get("together", 8))
    return {
        "per_device_train_batch_size": together,
        "gradient_accumulation_steps": int(task["batch"]) // together,
    }
