"""What our language arms share: a recipe, its rows as the product reads them, the product's own fit, and a clock.

Nothing of the path is replaced: where the network is built and where the loop runs, the clock is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _common
import _lm

SECTIONS = """
base = {base}
task = {{ name = "completion", truncation = "drop" }}
tuning = {{ name = "lora", rank = 16, alpha = 32.0 }}
objective = {{ name = {objective} }}
[data]
source = {source}
"""


@dataclass
class Watched:
    """What was seen of a fit.  before: the factors as training began.  steps: the events of its steps."""

    clock: _common.Clock
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    first_loss: float = float("nan")
    steps: list[Any] = field(default_factory=list)


def recipe(task: dict[str, Any], objective: str) -> Any:
    """The recipe as a user would write it, with the advice that fits its task and what the approach decides."""
    from tunesmith import catalog
    from tunesmith.advise.ladder import advised
    from tunesmith.recipe import toml
    from tunesmith.recipe.setting import with_values

    words = {"base": task["weights"], "source": task["text"], "objective": objective}
    table = SECTIONS.format(**{key: json.dumps(value) for key, value in words.items()})
    sets = {
        "train.epochs": task["epochs"],
        "train.batch_size": task["batch"],
        "train.peak_lr": task["rate"],
        "train.threads": task["threads"],
        "train.seed": task["seed"],
        "train.dtype": task.get("dtype", "auto"),
        **task["options"],
    }
    made = toml.loads(table, overrides=[f"{key}={value}" for key, value in sets.items()])
    made = advised(made, catalog.make("task", made.task))
    approach = catalog.make("approach", made.approach)
    return with_values(made, approach.resolve(made), by="probe")


def records(made: Any, content: str) -> list[Any]:
    """The rows of the recipe's file, as the product reads and maps them."""
    from tunesmith.data import mapping, source

    found = source.sniff(made.data.source)
    return list(mapping.records(found, mapping.read_as(found, content=content)))


def job(task: dict[str, Any], made: Any, content: str) -> Any:
    """The job of the recipe: every row is learnt from, none is held out."""
    from tunesmith import bases, catalog
    from tunesmith.parts import Job, Profile

    rows, kind = records(made, content), catalog.make("task", made.task)
    base, out = bases.resolve(made.base, offline=True), Path(task["out"])
    codec = kind.codec(base, Profile(rows=len(rows)))
    return Job(kind, made, rows, (), codec, base, out / "run", out / "cache", seed=made.train.seed)


def fitted(work: Any, watched: Watched, look: Any) -> None:
    """Fit; the clock is read where the network is built and where the loop begins and ends.

    look: engine → the first loss, on which the clock does not run.
    """
    from tunesmith import catalog
    from tunesmith.events import Step
    from tunesmith.train import loop
    from tunesmith.train.engine import local

    build, run, clock = local.build, loop.run, watched.clock

    def building(*given: Any) -> Any:
        clock.ends("prepare")
        net = build(*given)
        clock.ends("load")
        return net

    def running(given: Any, engine: Any, *rest: Any) -> Iterator[Any]:
        clock.ends("prepare")
        watched.before, watched.first_loss = _common.trained(engine.net), look(engine)
        clock.skips()
        yield from run(given, engine, *rest)
        clock.ends("train")
        watched.after = _common.trained(engine.net)
        clock.skips()

    local.build, loop.run = building, running
    try:
        for event in catalog.make("approach", work.recipe.approach).fit(work):
            if isinstance(event, Step):
                watched.steps.append(event)
    finally:
        local.build, loop.run = build, run


def save(work: Any) -> None:
    """The tuning's difference from its base, under the judge's names."""
    from safetensors.torch import load_file, save_file

    delta = load_file(work.model / "delta.safetensors")
    goal = work.folder.parent / "adapter.safetensors"
    save_file(_lm.factors(delta.items()), str(goal), {"scale": str(_lm.ALPHA / _lm.RANK)})


def say(watched: Watched, made: Any, **said: Any) -> None:
    """The arm's last line."""
    stepped = _common.stepped(watched.steps)
    watched.clock.say(
        **said,
        **{**stepped, "first_loss": watched.first_loss, "first_step_loss": stepped["first_loss"]},
        moved=_common.moved(watched.before, watched.after),
        decided={
            key: getattr(made.train, key) for key in ("dtype", "threads", "micro_tokens", "checkpointing")
        },
    )
