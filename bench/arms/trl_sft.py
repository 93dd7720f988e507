"""TRL's SFTTrainer with LoRA on prompts and completions as texts: it cuts them into tokens itself.

task["dtype"]: autocast (TRL's default: float32 numbers, products in bfloat16), float32 or bfloat16.
options: none of them leaves TRL's own defaults (checkpointing on, 8 rows at once in random order); checkpointing,
grouped (rows of like length together), together (rows computed at once), fused (AdamW in one kernel).
"""

from __future__ import annotations

import json
from pathlib import Path

import _common
import _lm

clock, task = _common.peer()

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

_common.imported(clock, task)
options = task["options"]
chosen = _lm.trl_options(options)
if options.get("grouped"):
    chosen["train_sampling_strategy"] = "group_by_length"
lines = Path(task["text"]).read_text("utf-8").splitlines()
data = Dataset.from_list([json.loads(line) for line in lines])
tokenizer = AutoTokenizer.from_pretrained(task["weights"])
clock.ends("prepare")
torch.manual_seed(task["seed"])
net = _lm.model(task, _lm.base_dtype(task))
clock.ends("load")
trainer = SFTTrainer(
    model=net,
    args=SFTConfig(**_lm.trainer_arguments(task, **chosen)),
    train_dataset=data,
    processing_class=tokenizer,
    peft_config=_lm.lora(),
)
clock.ends("prepare")
_lm.finish(clock, task, trainer, lambda: _common.told(trainer.train_dataset["input_ids"]))
