"""tunesmith: the task `completion` with LoRA, by a recipe; options: further keys of the recipe."""

from __future__ import annotations

from typing import Any

import _common
import _lm
import _ours_lm

clock = _common.Clock()
task = _common.task()

import peft  # noqa: E402, F401
import torch  # noqa: E402
import transformers  # noqa: E402, F401

from tunesmith.parts import Draw  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")


def look(engine: Any) -> float:
    """By the product's own prediction."""
    said = [out.likelihood for (out,) in engine.predict(work.train[: _lm.LOOKED_AT])]
    return sum(each.nll for each in said) / sum(each.tokens for each in said)


made = _ours_lm.recipe(task, "supervised")
work = _ours_lm.job(task, made, "chat")
watched = _ours_lm.Watched(clock)
_ours_lm.fitted(work, watched, look)
_ours_lm.save(work)
rows = [row.values["ids"] for each in work.train for row in work.task.encode(each, work.codec, Draw(0, 0))]
_ours_lm.say(watched, made, **_common.told(rows))
