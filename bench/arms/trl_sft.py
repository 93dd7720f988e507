"""TRL's SFTTrainer with LoRA on prompts and completions as texts: it cuts them into tokens itself.

task["dtype"]: autocast (TRL's default: float32 numbers, products in bfloat16), float32 or bfloat16.
options: none of them leaves TRL's own defaults (checkpointing on, 8 rows at once in random order); checkpointing,
grouped (rows of like length together), together (rows computed at once), fused (AdamW in one kernel).
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import _common
import _lm

clock = _common.Clock()
task = _common.task()
_lm.quiet(task)

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
options = task["options"]
dtype = task["dtype"]
chosen = {}
if "checkpointing" in options:
    chosen["gradient_checkpointing"] = options["checkpointing"]
if options.get("grouped"):
    chosen["train_sampling_strategy"] = "group_by_length"
if options.get("fused"):
    chosen["optim"] = "adamw_torch_fused"

lines = Path(task["text"]).read_text("utf-8").splitlines()
data = Dataset.from_list([json.loads(line) for line in lines])
tokenizer = AutoTokenizer.from_pretrained(task["weights"])
clock.ends("prepare")
torch.manual_seed(task["seed"])
net = _lm.model(task, "bfloat16" if dtype == "bfloat16" else "float32")
clock.ends("load")
trainer = SFTTrainer(
    model=net,
    args=SFTConfig(
        output_dir=task["out"],
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
rows = _lm.rows(task["tokens"])
precision = torch.autocast("cpu", torch.bfloat16) if dtype == "autocast" else contextlib.nullcontext()
look = _lm.first_loss(trainer.model, rows, precision)
before = _common.trained(trainer.model)
clock.skips()
done = trainer.train()
clock.ends("train")
_lm.save_adapter(trainer.model, task["out"])
history, read = trainer.state.log_history, trainer.train_dataset["input_ids"]
clock.say(
    tokens_sha256=_common.sha256(read),
    rows=len(read),
    real_tokens=sum(map(len, read)),
    updates=done.global_step,
    first_loss=look,
    first_step_loss=_lm.logged(history, "loss")[0],
    last_loss=done.training_loss,
    gradient_norm=_lm.logged(history, "grad_norm")[0],
    moved=_common.moved(before, _common.trained(trainer.model)),
)
