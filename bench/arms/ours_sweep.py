"""tunesmith: `sweep` over a recipe, as its command does it, in a home of its own: nothing is known from before.

options: space (rates, ranks, batches), halving, head, validation_share.  The file's rows are checked, cleaned and split
by the product within the measured time.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import _classify
import _common

clock = _common.Clock()
task = _common.task()

import _ours_classify  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402, F401

from tunesmith import bases, catalog  # noqa: E402
from tunesmith.events import Finished, Step  # noqa: E402
from tunesmith.lifecycle import prepare, sweeping  # noqa: E402
from tunesmith.parts import Profile  # noqa: E402
from tunesmith.recipe import toml  # noqa: E402
from tunesmith.store import runs  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
options, out = task["options"], Path(task["out"])
space = options["space"]
TABLE = """
base = {base}
approach = {{ name = "tune", head = {head} }}
tuning = {{ name = "lora", rank = {rank}, alpha = 32.0 }}
[data]
source = {source}
split = {{ validation = {share}, test = 0.0 }}
[train]
epochs = {epochs}
threads = {threads}
seed = {seed}
batch_size = {batch}
peak_lr = {rate}
dtype = {dtype}
"""


def listed(values: Any) -> str:
    """As `--over` takes values."""
    return ",".join(str(each) for each in values)


words = {
    "base": task["weights"],
    "source": task["text"],
    "head": options["head"],
    "share": options["validation_share"],
    "dtype": task["dtype"],
    "rate": space["rates"][0],
    "rank": space["ranks"][0],
    "batch": space["batches"][0],
    **{key: task[key] for key in ("epochs", "threads", "seed")},
}
recipe = out / "recipe.toml"
recipe.write_text(TABLE.format(**{key: json.dumps(each) for key, each in words.items()}), encoding="utf-8")
over = [
    f"train.peak_lr={listed(space['rates'])}",
    f"tuning.rank={listed(space['ranks'])}",
    f"train.batch_size={listed(space['batches'])}",
]
home = out / "home"
clock.ends("prepare")
steps: list[Step] = []
found: dict[str, Any] = {}
for event in sweeping.sweep(recipe, over=over, factor=int(options["halving"]), home=home, offline=True):
    if isinstance(event, Step):
        steps.append(event)
    if isinstance(event, Finished):
        found = event.result.to_dict()
clock.ends("train")

run = runs.open_run(home, found["run"])
rows = prepare.again(run.recipe, run.lineage["digests"], run.lineage["name"], home)
kind: Any = rows.task
made = toml.load(Path(found["winner"]["recipe"]))
base = bases.resolve(made.base, offline=True)
labels = Counter(str(row.fields["label"]) for row in rows.fitting)
codec = kind.codec(base, Profile(rows=len(rows.fitting), labels=labels))
(delta,) = run.folder.rglob("model/delta.safetensors")
net: Any = catalog.make("approach", made.approach).open(delta.parent, kind, codec, base, made)
tuning = catalog.make("tuning", made.tuning)
tensors = tuning.merge(net.net).state_dict()
before = _ours_classify.pretrained(task)
backbone = {name[9:]: each for name, each in tensors.items() if name.startswith("backbone.")}
_classify.save(out, "words", backbone, tensors["head.weight"], tensors["head.bias"])
ids = [each.values["ids"] for row in rows.train for each in kind.encode(row, codec, None)]
clock.say(
    **_common.told(ids),
    **_common.stepped(steps),
    moved=_common.moved(before, backbone),
    winner=found["winner"]["values"],
    own_score=found["winner"]["scores"],
    trials=[{"values": each["values"], "rungs": len(each["rungs"])} for each in found["trials"]],
    dtype=made.train.dtype,
    scored_on=len(rows.validation),
)
