"""TRL's DPOTrainer with LoRA on prompts, chosen and rejected answers as texts: it cuts them into tokens itself.

task["dtype"]: autocast (TRL's default: float32 numbers, products in bfloat16), float32 or bfloat16.
options: none of them leaves TRL's own defaults (checkpointing on, the reference computed at each step, 8 pairs at once
in random order); checkpointing, precomputed (the reference once, before the first step), grouped (pairs of like length
together), together (pairs computed at once), fused (AdamW in one kernel).
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import _common
import _lm

clock = _common.Clock()
task = _common.task()
_lm.quiet(task)

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
options = task["options"]
dtype = task["dtype"]
chosen: dict[str, Any] = {"precompute_ref_log_probs": bool(options.get("precomputed"))}
if "checkpointing" in options:
    chosen["gradient_checkpointing"] = options["checkpointing"]
if options.get("fused"):
    chosen["optim"] = "adamw_torch_fused"

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
net = _lm.model(task, "bfloat16" if dtype == "bfloat16" else "float32")
clock.ends("load")
trainer = DPOTrainer(
    model=net,
    args=DPOConfig(
        output_dir=task["out"],
        beta=task["beta"],
        num_train_epochs=task["epochs"],
        learning_rate=task["rate"],
        seed=task["seed"],
        **_lm.batches(task),
        bf16=dtype == "autocast",
        use_cpu=True,
        logging_first_step=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **chosen,
    ),
    train_dataset=data,
    processing_class=tokenizer,
    peft_config=_lm.lora(),
)
clock.ends("prepare")
precision = torch.autocast("cpu", torch.bfloat16) if dtype == "autocast" else contextlib.nullcontext()
look = _lm.first_loss(trainer.model, _lm.rows(task["tokens"]), precision)
before = _common.trained(trainer.model)
clock.skips()
done = trainer.train()
clock.ends("train")
_lm.save_adapter(trainer.model, task["out"])
history = trainer.state.log_history
pairs = trainer.train_dataset.select_columns(["prompt_ids", "chosen_ids", "rejected_ids"]).to_list()
read = [pair["prompt_ids"] + pair[side] for pair in pairs for side in ("chosen_ids", "rejected_ids")]
clock.say(
    tokens_sha256=_common.sha256(read),
    rows=len(pairs),
    real_tokens=sum(sum(map(len, pair.values())) for pair in pairs),
    updates=done.global_step,
    first_loss=look,
    first_step_loss=_lm.logged(history, "loss")[0],
    last_loss=done.training_loss,
    gradient_norm=_lm.logged(history, "grad_norm")[0],
    moved=_common.moved(before, _common.trained(trainer.model)),
)
