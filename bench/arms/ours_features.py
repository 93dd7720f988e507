"""tunesmith: the approach `features` by a recipe: vectors of the frozen base, once, and a linear layer fitted on them.

task["rate"] is the strength (the inverse of the penalty).  options: sets (further keys of the recipe).
"""

from __future__ import annotations

from pathlib import Path

import _classify
import _common

clock = _common.Clock()
task = _common.task()

import _ours_classify  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402, F401

from tunesmith import catalog  # noqa: E402
from tunesmith.inputs.heads import Head  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
made = _ours_classify.recipe(task, {"name": "features", "strength": task["rate"]})
work = _ours_classify.job(task, made)
clock.ends("prepare")
for _ in catalog.make("approach", made.approach).fit(work):
    pass
clock.ends("train")
head = Head.load(work.model)
backbone = _ours_classify.pretrained(task)
weight, bias = torch.from_numpy(head.weights), torch.from_numpy(head.bias)
_classify.save(Path(task["out"]), "words", backbone, weight, bias)
clock.say(
    **_common.told(_ours_classify.ids(work)),
    updates=1,
    first_loss=None,
    last_loss=None,
    gradient_norm=1.0,
    moved=float(weight.norm()),
    dtype=made.train.dtype,
)
