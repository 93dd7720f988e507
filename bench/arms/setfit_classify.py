"""SetFit: pairs of rows teach the encoder which belong together, then a logistic regression on its vectors.

options: steps (of the contrastive phase; all its pairs would take days on these rows), together (rows of a batch, the
library's own 16 by default).  The head is fitted on all rows.  Rows come as text; task["rate"] is the body's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import _classify
import _common

clock, task = _common.peer()

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402  # pyright: ignore[reportMissingImports]
from setfit import SetFitModel, Trainer, TrainingArguments  # noqa: E402  # pyright: ignore[reportMissingImports]
from transformers import TrainerCallback  # noqa: E402

_common.imported(clock, task)
options, out = task["options"], Path(task["out"])
labels = _common.rows(task["tokens"])[1]["labels"]
texts = [json.loads(line)["text"] for line in Path(task["text"]).read_text("utf-8").splitlines()]
data = Dataset.from_dict({"text": texts, "label": labels.tolist()})
clock.ends("prepare")
model: Any = SetFitModel.from_pretrained(task["weights"], local_files_only=True, device="cpu")
clock.ends("load")
losses, norms = [], []


class Watch(TrainerCallback):
    """Keeps what the library logs."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Losses and gradient norms under whatever prefix."""
        for name, value in (logs or {}).items():
            if name.endswith("loss") and isinstance(value, float):
                losses.append(value)
            if name.endswith("grad_norm"):
                norms.append(float(value))


trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=str(out / "setfit"),
        batch_size=int(options.get("together", 16)),
        max_steps=int(options["steps"]),
        body_learning_rate=task["rate"],
        seed=task["seed"],
        save_strategy="no",
        report_to="none",
        show_progress_bar=False,
    ),
    train_dataset=data,
    callbacks=[Watch()],
)
body = model.model_body[0].auto_model
before = {name: each.detach().clone() for name, each in body.named_parameters() if "pooler" not in name}
clock.ends("prepare")
trainer.train()
clock.ends("train")
_classify.save(
    out,
    "unit",
    {name: each for name, each in body.state_dict().items() if not name.startswith("pooler.")},
    torch.from_numpy(model.model_head.coef_),
    torch.from_numpy(model.model_head.intercept_),
)
clock.say(
    **_common.told(model.model_body.tokenizer(text)["input_ids"] for text in texts),
    updates=int(options["steps"]),
    first_loss=losses[0] if losses else None,
    last_loss=losses[-1] if losses else None,
    gradient_norm=norms[0] if norms else None,
    moved=_common.moved(before, dict(body.named_parameters())),
    dtype="float32",
)
