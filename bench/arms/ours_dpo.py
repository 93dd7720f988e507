"""tunesmith: the objective `dpo` with LoRA, by a recipe; options: further keys of the recipe."""

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

from tunesmith.train.engine import local  # noqa: E402
from tunesmith.train.objectives import _layout, _rows  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")


def as_tokens(record: Any) -> Any:
    """A pair as the objective cuts it."""
    fields = record.fields
    answers = [fields["chosen"], fields["rejected"]]
    return _rows.asked(work.task, work.codec, fields["prompt"], answers, fields.get("tools"))


def look(engine: Any) -> float:
    """By the product's own log-probabilities of answers, before the first step."""
    pairs = [as_tokens(record) for record in work.train[: _lm.LOOKED_AT // 2]]
    with local.inference(engine.net):
        tensors = _layout.tensors(pairs, work.codec.settings["pad_id"], shared=True)
        return -float(_layout.answer_sums(engine.net, tensors).sum() / tensors["sizes"].sum())


task["options"] = {"objective.beta": task["beta"], **task["options"]}
made = _ours_lm.recipe(task, "dpo")
work = _ours_lm.job(task, made, "preference")
watched = _ours_lm.Watched(clock)
_ours_lm.fitted(work, watched, look)
_ours_lm.save(work)
pairs = [as_tokens(record) for record in work.train]
_ours_lm.say(
    watched,
    made,
    tokens_sha256=_common.sha256([*pair.prompt, *said.ids] for pair in pairs for said in pair.answers),
    rows=len(pairs),
    real_tokens=sum(len(pair.prompt) + sum(len(said.ids) for said in pair.answers) for pair in pairs),
)
