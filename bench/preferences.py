"""Preferences learnt from pairs: rates chosen on validation pairs, the test pairs scored once, for each seed.

    python bench/preferences.py --data hh-rlhf-harmless/test.jsonl.gz --base stories260k-llama [--out FILE]
    python bench/preferences.py … --objective kto --tuning lora --rates 1,0.25 --betas 0.1 --epochs 1 --seeds 3

The rows are those of the product: `prepare` reads, checks and divides them, near-duplicate prompts on one side; a pair
that does not fit the window whole is left out and counted.  `kto` learns the same pairs as two judged answers each.
Each point of the grid is trained on the training pairs; the least log loss on the validation pairs chooses.  Then every
seed is trained with that point and scored on the test pairs, which nothing else has read: implicit-reward accuracy
(does the chosen answer gain more than the rejected one?), its interval by groups of prompts, log loss beside guessing,
and the paired gain over a rule of length.  A rate is given as a share of the tuning's own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.approaches._tuned import untuned
from tunesmith.data.checking import last
from tunesmith.evaluate.intervals import percentiles, resamples
from tunesmith.events import Measured
from tunesmith.fields import Record, row_key
from tunesmith.lifecycle import preferring, prepare
from tunesmith.lifecycle.climb import Climber
from tunesmith.recipe import toml
from tunesmith.recipe.setting import with_values

RECIPE = """
base = "{base}"
task = {{ name = "chat", truncation = "drop" }}
[data]
source = "{data}"
split = {{ validation = 0.15, test = 0.3 }}
[objective]
name = "dpo"
[train]
dtype = "float32"
threads = 1
dropout = 0.0
patience = 0
"""


@dataclass(frozen=True)
class Arm:
    """What is trained and how.  rate: share of the tuning's own learning rate."""

    objective: str
    tuning: str
    rate: float
    beta: float
    epochs: float
    seed: int = 0


@dataclass(frozen=True)
class Fit:
    """A trained arm.  looks: scores of the validation rows in training."""

    approach: Any
    job: Any
    looks: list[dict[str, float]]
    cpu_seconds: float


class Bench:
    """Rows divided once, and what is trained on them."""

    def __init__(self, options: argparse.Namespace, home: Path) -> None:
        recipe = toml.loads(RECIPE.format(base=options.base, data=options.data))
        self.home, self.limit = home, options.rows
        self.prepared = last(prepare.prepare(recipe, home))
        self.fits: dict[Arm, Fit] = {}

    def fit(self, arm: Arm) -> Fit:
        """Train an arm, once."""
        if arm not in self.fits:
            begun = time.process_time()
            approach, job = self._job(arm)
            looks = [dict(event.scores) for event in approach.fit(job) if isinstance(event, Measured)]
            self.fits[arm] = Fit(approach, job, looks, round(time.process_time() - begun, 1))
        return self.fits[arm]

    def preferred(self, arm: Arm, side: str) -> preferring.Preferred:
        """What a trained arm prefers of one side's pairs."""
        fit = self.fit(arm)
        approach, job = fit.approach, fit.job
        after = approach.open(job.model, job.task, job.codec, job.base, job.recipe).net
        before = untuned(job.model, job.task, job.codec, job.base, job.recipe).net
        judge = catalog.part("objective", "dpo")(beta=arm.beta)
        pairs = replace(job, recipe=self._recipe(replace(arm, objective="dpo")))
        rows = getattr(self.prepared, side)
        return last(preferring.preferred(judge, pairs, before, after, rows, self.prepared.groups))

    def _recipe(self, arm: Arm) -> Any:
        own = catalog.part("tuning", arm.tuning).peak_lr
        values = {
            "objective.name": arm.objective,
            "objective.beta": arm.beta,
            "tuning.name": arm.tuning,
            "train.peak_lr": arm.rate * own,
            "train.epochs": arm.epochs,
            "train.seed": arm.seed,
        }
        given = [f"{path}={value}" for path, value in values.items()]
        return toml.loads(toml.dumps(self.prepared.recipe), overrides=given)

    def _job(self, arm: Arm) -> tuple[Any, Any]:
        recipe, made = self._recipe(arm), self.prepared
        approach = catalog.make("approach", recipe.approach)
        recipe = with_values(recipe, approach.resolve(recipe), by="probe")
        train, validation = made.train[: self.limit or None], made.validation
        if arm.objective == "kto":
            train, validation = judged(train), judged(validation)
        climber = Climber(
            replace(made, recipe=recipe, train=train, validation=validation),
            self.home / "runs" / f"bench-{len(self.fits)}",
            self.home / "cache",
            offline=True,
        )
        return approach, climber.job(recipe, climber.folder, climber.base(recipe))


def judged(pairs: Sequence[Record]) -> tuple[Record, ...]:
    """Each pair as two answers, one that is wanted and one that is not."""
    made = [
        {"prompt": row.fields["prompt"], "completion": row.fields[side], "label": side == "chosen"}
        for row in pairs
        for side in ("chosen", "rejected")
    ]
    return tuple(Record(fields, key=row_key(fields)) for fields in made)


def grid(options: argparse.Namespace, objective: str, tuning: str) -> Iterator[Arm]:
    """Every point that is tried."""
    for rate, beta, epochs in itertools.product(options.rates, options.betas, options.epochs):
        yield Arm(objective, tuning, rate, beta, epochs)


def measured(bench: Bench, objective: str, tuning: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one objective with one tuning."""
    tried = []
    for arm in grid(options, objective, tuning):
        told = preferring.section(bench.preferred(arm, "validation"), bench.prepared.train)
        fit = bench.fit(arm)
        line = {"rate": arm.rate, "beta": arm.beta, "epochs": arm.epochs, "cpu_seconds": fit.cpu_seconds}
        line |= {"in_training": fit.looks[-1]}
        line |= {name: score["value"] for name, score in told["scores"].items()}
        print(json.dumps({"objective": objective, "tuning": tuning, **line}), flush=True)
        tried.append((told["scores"]["log_loss"]["value"], len(tried), arm, line))
    best = min(tried)[2]
    return {
        "objective": objective,
        "tuning": tuning,
        "peak_lr": best.rate * catalog.part("tuning", tuning).peak_lr,
        "rate": best.rate,
        "at_the_edge": len(options.rates) > 1 and best.rate in (min(options.rates), max(options.rates)),
        "beta": best.beta,
        "epochs": best.epochs,
        "validation": [line for *_, line in tried],
        "test": proof(bench, best, options.seeds),
    }


def proof(bench: Bench, arm: Arm, seeds: int) -> dict[str, Any]:
    """Every seed on the test pairs, and their mean: an interval over groups of prompts, seeds averaged in each row."""
    made, told = [], []
    for seed in range(seeds):
        made.append(bench.preferred(replace(arm, seed=seed), "test"))
        told.append(preferring.section(made[-1], bench.prepared.train))
        print(json.dumps({"seed": seed, "test": told[-1]["sentence"]}), flush=True)
    hits = np.mean([each.found.hits for each in made], axis=0)
    surprise = np.mean(
        [-np.log(each.found.probs[np.arange(len(hits)), each.found.truth]) for each in made], 0
    )
    groups = made[0].found.groups
    return {
        "pairs": len(hits),
        "groups": len(np.unique(groups)),
        "left_out": made[0].left_out,
        "accuracy": mean_of(hits, groups),
        "log_loss": mean_of(surprise, groups),
        "guessing": preferring.GUESSING,
        "seeds": told,
    }


def mean_of(values: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """The mean of rows with its 95 % interval by bootstrap over groups."""
    value = float(values.mean())
    low, high = percentiles(np.array([w @ values / w.sum() for w in resamples(groups)]), value)
    return {"value": value, "low": low, "high": high, "n": len(values)}


def about(options: argparse.Namespace) -> dict[str, Any]:
    """When, with what and where this was measured."""
    packages = ("torch", "transformers", "peft", "numpy")
    said = [word.rpartition("shared/")[2] for word in sys.argv[1:]]
    kept = [
        word
        for before, word in zip(["", *said], said, strict=False)
        if not {before, word} & {"--home", "--out"}
    ]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join(["python bench/preferences.py", *kept]),
        "hardware": f"{os.cpu_count()} cores {platform.machine()}, one thread",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "base": Path(options.base).name,
        "data": Path(options.data).parent.name,
    }


def numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def main() -> int:
    """Measure every objective with every tuning, print and keep the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--objective", action="append", default=None)
    parser.add_argument("--tuning", action="append", default=None)
    parser.add_argument(
        "--rates", type=numbers, default=[1.0, 0.25, 0.125, 0.0625], help="shares of the tuning's own"
    )
    parser.add_argument("--betas", type=numbers, default=[0.1])
    parser.add_argument("--epochs", type=numbers, default=[1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=0, help="training pairs; 0: all")
    parser.add_argument("--home", default="")
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    home = Path(options.home or tempfile.mkdtemp())
    bench = Bench(options, home)
    made = bench.prepared
    results: dict[str, Any] = {
        **about(options),
        "pairs": {side: len(getattr(made, side)) for side in ("train", "validation", "test")},
        "arms": [],
    }
    for objective in options.objective or ["dpo", "kto"]:
        for tuning in options.tuning or ["full", "lora"]:
            results["arms"].append(measured(bench, objective, tuning, options))
            print(json.dumps(results["arms"][-1]["test"] | {"seeds": None}), flush=True)
            if options.out:
                Path(options.out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
