"""tunesmith: the task `text-classification` by a recipe, the product's own fit, watched by a clock.

options: head (probe, random), sets (further keys of the recipe), marks (looks at the weights in each epoch), limit
(seconds of training).  Nothing of the path is replaced: where the network is built and between two steps of the loop
the clock is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _classify
import _common

clock = _common.Clock()
task = _common.task()

import _ours_classify  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402, F401

from tunesmith import catalog  # noqa: E402
from tunesmith.errors import Interrupted  # noqa: E402
from tunesmith.events import Step  # noqa: E402
from tunesmith.parts import Job  # noqa: E402
from tunesmith.train import loop  # noqa: E402
from tunesmith.train.engine import local  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
options, out = task["options"], Path(task["out"])


def fitted(work: Job) -> None:
    """The product's fit; fills `seen`."""
    build, run = local.build, loop.run

    def building(*given: Any) -> Any:
        clock.ends("prepare")
        net = build(*given)
        clock.ends("load")
        return net

    def running(given: Any, engine: Any, course: Any, *rest: Any) -> Iterator[Any]:
        clock.ends("prepare")
        seen["before"] = engine.weights()
        marks.keep = lambda folder: keep(engine, folder)
        an_epoch = max(1, round(course.steps / task["epochs"]))
        clock.skips()
        try:
            for event in run(given, engine, course, *rest):
                yield event
                if isinstance(event, Step) and marks.after(event.step, an_epoch, event.step == course.steps):
                    work.stop.set()
        finally:
            clock.ends("train")
            keep(engine, out)
            clock.skips()

    local.build, loop.run = building, running
    try:
        for event in catalog.make("approach", made.approach).fit(work):
            if isinstance(event, Step):
                seen["steps"].append(event)
    except Interrupted:  # the time is over
        pass
    finally:
        local.build, loop.run = build, run
    clock.ends("train")


def keep(engine: Any, folder: Path) -> None:
    """The classifier as it is, with the float32 weights that take the updates."""
    seen["after"] = engine.weights()
    tensors = dict(engine.net.state_dict())
    tensors |= {name.removeprefix("weight/"): each for name, each in seen["after"].items()}
    backbone = {name[9:]: each for name, each in tensors.items() if name.startswith("backbone.")}
    _classify.save(folder, "words", backbone, tensors["head.weight"], tensors["head.bias"])


seen: dict[str, Any] = {"steps": []}
marks = _classify.Marks(clock, out, options.get("marks", 0), options.get("limit", 0.0), None)
made = _ours_classify.recipe(task, {"name": "tune", "head": options.get("head", "probe")})
work = _ours_classify.job(task, made)
clock.ends("prepare")
fitted(work)
clock.say(
    **_common.told(_ours_classify.ids(work)),
    **_common.stepped(seen["steps"]),
    moved=_common.moved(seen["before"], seen["after"]),
    marks=marks.found,
    dtype=made.train.dtype,
    decided={"micro_tokens": made.train.micro_tokens, "threads": made.train.threads},
)
