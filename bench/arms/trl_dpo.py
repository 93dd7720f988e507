"""TRL's DPOTrainer with LoRA on prompts, chosen and rejected answers as texts: it cuts them into tokens itself.

task["dtype"]: autocast (TRL's default: float32 numbers, products in bfloat16), float32 or bfloat16.
options: none of them leaves TRL's own defaults (checkpointing on, the reference computed at each step, 8 pairs at once
in random order); checkpointing, precomputed (the reference once, before the first step), grouped (pairs of like length
together), together (pairs computed at once), fused (AdamW in one kernel).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import _common
import _lm

clock, task = _common.peer()

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

_common.imported(clock, task)
options = task["options"]
chosen = _lm.trl_options(options) | {"precompute_ref_log_probs": bool(options.get("precomputed"))}
lines = [json.loads(line) for line in Path(task["text"]).read_text("utf-8").splitlines()]
if options.get("grouped"):
    # the sampler reads a column of lengths; characters are near enough to sort by
    for line in lines:
        line["length"] = len(line["prompt"]) + max(len(line["chosen"]), len(line["rejected"]))
    chosen |= {"train_sampling_strategy": "group_by_length", "length_column_name": "length"}
    chosen["remove_unused_columns"] = False  # else the lengths are gone before the sampler asks
data = Dataset.from_list(lines)
tokenizer = AutoTokenizer.from_pretrained(task["weights"])
clock.ends("prepare")
torch.manual_seed(task["seed"])
net = _lm.model(task, _lm.base_dtype(task))
clock.ends("load")
trainer = DPOTrainer(
    model=net,
    args=DPOConfig(beta=task["beta"], **_lm.trainer_arguments(task, **chosen)),
    train_dataset=data,
    processing_class=tokenizer,
    peft_config=_lm.lora(),
)
clock.ends("prepare")


def told() -> dict[str, Any]:
    """Of each pair prompt and chosen answer, prompt and rejected one; a prompt counts once as tokens."""
    pairs = trainer.train_dataset.select_columns(["prompt_ids", "chosen_ids", "rejected_ids"]).to_list()
    read = [pair["prompt_ids"] + pair[side] for pair in pairs for side in ("chosen_ids", "rejected_ids")]
    tokens = sum(sum(map(len, pair.values())) for pair in pairs)
    return {"tokens_sha256": _common.sha256(read), "rows": len(pairs), "real_tokens": tokens}


_lm.finish(clock, task, trainer, told)
