"""The Trainer of transformers with peft's LoRA: rows cut into tokens beforehand, labels −100 where nothing is learnt.

task["dtype"]: float32 or bfloat16, of the base's numbers; autocast: float32 numbers, products in bfloat16.
options: grouped (rows of like length together), together (rows computed at once), attention, compile.
"""

from __future__ import annotations

from typing import Any

import _common
import _lm

clock, task = _common.peer()

import torch  # noqa: E402
from peft import get_peft_model  # noqa: E402
from transformers import Trainer, TrainingArguments  # noqa: E402

_common.imported(clock, task)
options = task["options"]


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


data = Rows(_lm.rows(task["tokens"]))
clock.ends("prepare")
torch.manual_seed(task["seed"])
base = _lm.model(task, _lm.base_dtype(task), options.get("attention", "sdpa"))
base.config.use_cache = False
net = get_peft_model(base, _lm.lora())
clock.ends("load")
arguments = _lm.trainer_arguments(
    task,
    optim="adamw_torch_fused",
    train_sampling_strategy="group_by_length" if options.get("grouped") else "random",
    torch_compile=bool(options.get("compile")),
    logging_steps=1000,
    remove_unused_columns=False,
)
trainer = Trainer(model=net, args=TrainingArguments(**arguments), train_dataset=data, data_collator=collate)
clock.ends("prepare")
_lm.finish(clock, task, trainer, lambda: _common.told(row["input_ids"].tolist() for row in data.rows))
