"""The Trainer of transformers with peft's LoRA: rows cut into tokens beforehand, labels −100 where nothing is learnt.

task["dtype"]: float32 or bfloat16, of the base's numbers; autocast: float32 numbers, products in bfloat16.
options: grouped (rows of like length together), together (rows computed at once), attention, compile.
"""

from __future__ import annotations

import contextlib
from typing import Any

import _common
import _lm

clock = _common.Clock()
task = _common.task()
_lm.quiet(task)

import torch  # noqa: E402
from peft import get_peft_model  # noqa: E402
from transformers import Trainer, TrainingArguments  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
options = task["options"]
dtype = task["dtype"]


class Rows(torch.utils.data.Dataset):
    """Rows as the Trainer reads them."""

    def __init__(self, rows: list[tuple[Any, int]]) -> None:
        self.rows = [
            {
                "input_ids": torch.tensor(ids),
                "labels": torch.tensor([*[_lm.IGNORED] * start, *ids[start:].tolist()]),
            }
            for ids, start in rows
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.rows[at]


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Padded on the right to the longest."""

    def pad(name: str, value: int) -> Any:
        return torch.nn.utils.rnn.pad_sequence(
            [row[name] for row in rows], batch_first=True, padding_value=value
        )

    mask = torch.nn.utils.rnn.pad_sequence(
        [torch.ones_like(row["input_ids"]) for row in rows], batch_first=True
    )
    return {"input_ids": pad("input_ids", 2), "attention_mask": mask, "labels": pad("labels", _lm.IGNORED)}


rows = _lm.rows(task["tokens"])
data = Rows(rows)
clock.ends("prepare")
torch.manual_seed(task["seed"])
base = _lm.model(task, "bfloat16" if dtype == "bfloat16" else "float32", options.get("attention", "sdpa"))
base.config.use_cache = False
net = get_peft_model(base, _lm.lora())
clock.ends("load")
trainer = Trainer(
    model=net,
    args=TrainingArguments(
        output_dir=task["out"],
        num_train_epochs=task["epochs"],
        learning_rate=task["rate"],
        seed=task["seed"],
        **_lm.batches(task),
        bf16=dtype == "autocast",
        use_cpu=True,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length" if options.get("grouped") else "random",
        torch_compile=bool(options.get("compile")),
        logging_first_step=True,
        logging_steps=1000,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    ),
    train_dataset=data,
    data_collator=collate,
)
clock.ends("prepare")
precision = torch.autocast("cpu", torch.bfloat16) if dtype == "autocast" else contextlib.nullcontext()
look = _lm.first_loss(net, rows, precision)
before = _common.trained(net)
clock.skips()
done = trainer.train()
clock.ends("train")
net = trainer.accelerator.unwrap_model(trainer.model, keep_torch_compile=False)
_lm.save_adapter(net, task["out"])
history = trainer.state.log_history
clock.say(
    tokens_sha256=_common.sha256(row["input_ids"].tolist() for row in data.rows),
    rows=len(rows),
    real_tokens=sum(len(ids) for ids, _ in rows),
    updates=done.global_step,
    first_loss=look,
    first_step_loss=_lm.logged(history, "loss")[0],
    last_loss=done.training_loss,
    gradient_norm=_lm.logged(history, "grad_norm")[0],
    moved=_common.moved(before, _common.trained(net)),
)
