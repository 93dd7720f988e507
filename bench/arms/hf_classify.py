"""The Trainer of transformers on rows that are cut into tokens beforehand.

options: grouped (rows of like length together), attention (sdpa, eager), pooling ('' for the family's own classifier,
'mean' for a linear layer on the mean of the last states), layers (from the top, which move with the head; absent: all),
marks (looks at the weights in each epoch), limit (seconds of training), autocast (products in bfloat16), compile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _classify
import _common

clock, task = _common.peer()

import transformers  # noqa: E402
from transformers import Trainer, TrainerCallback, TrainingArguments  # noqa: E402

_common.imported(clock, task)

import _hf_nets  # noqa: E402

options = task["options"]
ids, columns = _common.rows(task["tokens"])
data = _hf_nets.Rows(ids, columns["labels"])
clock.ends("prepare")
transformers.set_seed(task["seed"])
net = _hf_nets.network(task["weights"], int(columns["labels"].max()) + 1, options)
clock.ends("load")


class Watch(TrainerCallback):
    """Tells the marks of each update."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the training where the time is over."""
        an_epoch = -(-len(data) // int(task["batch"]))
        if marks.after(state.global_step, an_epoch, state.global_step == state.max_steps):
            control.should_training_stop = True


def keep(folder: Path) -> None:
    """The classifier as it is."""
    plain = trainer.accelerator.unwrap_model(trainer.model, keep_torch_compile=False)
    _classify.save(folder, *_hf_nets.parts(plain))


trainer = Trainer(
    model=net,
    args=TrainingArguments(
        **_common.trainer_arguments(task),
        per_device_train_batch_size=int(task["batch"]),
        warmup_steps=options.get("warmup", 0),
        bf16=bool(options.get("autocast")),
        train_sampling_strategy="group_by_length" if options.get("grouped") else "random",
        torch_compile=bool(options.get("compile")),
        logging_steps=1000,
        remove_unused_columns=False,
    ),
    train_dataset=data,
    data_collator=_hf_nets.collate,
    callbacks=[Watch()],
)
marks = _classify.Marks(clock, Path(task["out"]), options.get("marks", 0), options.get("limit", 0.0), keep)
clock.ends("prepare")
before = _common.trained(net)
clock.skips()
done = trainer.train()
clock.ends("train")
keep(Path(task["out"]))
history = trainer.state.log_history
clock.say(
    **_common.told(ids),
    updates=done.global_step,
    first_loss=next(each["loss"] for each in history if "loss" in each),
    last_loss=done.training_loss,
    gradient_norm=next(each["grad_norm"] for each in history if "grad_norm" in each),
    moved=_common.moved(before, _common.trained(net)),
    marks=marks.found,
    dtype="bfloat16" if options.get("autocast") else "float32",
)
