"""What the peers' language arms share: rows, LoRA, a look at the first loss, what is saved.

Imports what peers have: the standard library, numpy, torch, transformers, peft.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _common

RANK, ALPHA = 16, 32
IGNORED = -100
LOOKED_AT = 4  # rows of the look at the first loss: few, so that it never sets the peak of memory
FACTOR = re.compile(r"layers\.(\d+)\.(self_attn|mlp)\.(\w+?)\.lora_([AB])\b")


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


def trainer_arguments(task: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    """What a Trainer is told: the common part, samples of an update (at once, and how often before it), precision."""
    together = int(task["options"].get("together", 8))
    return {
        **_common.trainer_arguments(task),
        "per_device_train_batch_size": together,
        "gradient_accumulation_steps": int(task["batch"]) // together,
        "bf16": task["dtype"] == "autocast",
        **chosen,
    }


def trl_options(options: dict[str, Any]) -> dict[str, Any]:
    """What is changed of TRL's own defaults: checkpointing, AdamW in one kernel."""
    found = {"gradient_checkpointing": options["checkpointing"]} if "checkpointing" in options else {}
    return {**found, **({"optim": "adamw_torch_fused"} if options.get("fused") else {})}


def base_dtype(task: dict[str, Any]) -> str:
    """The type of the base's numbers: under autocast they stay float32."""
    return "bfloat16" if task["dtype"] == "bfloat16" else "float32"


def finish(
    clock: _common.Clock, task: dict[str, Any], trainer: Any, told: Callable[[], dict[str, Any]]
) -> None:
    """Look at the first loss, train, save the adapter, say what was seen.  told: of the rows, once they were read."""
    import torch

    autocast = task["dtype"] == "autocast"
    precision = torch.autocast("cpu", torch.bfloat16) if autocast else contextlib.nullcontext()
    look = first_loss(trainer.model, rows(task["tokens"]), precision)
    before = _common.trained(trainer.model)
    clock.skips()
    done = trainer.train()
    clock.ends("train")
    net = trainer.accelerator.unwrap_model(trainer.model, keep_torch_compile=False)
    save_adapter(net, task["out"])
    history = trainer.state.log_history
    clock.say(
        **told(),
        updates=done.global_step,
        first_loss=look,
        first_step_loss=_first(history, "loss"),
        last_loss=done.training_loss,
        gradient_norm=_first(history, "grad_norm"),
        moved=_common.moved(before, _common.trained(net)),
    )


def _first(history: Sequence[dict[str, Any]], key: str) -> float:
    """The first value of a key of a Trainer's log."""
    return next(float(each[key]) for each in history if key in each)
