"""LoRA against full tuning on the same rows: what moves, memory, seconds, and how good the models are.

    python bench/lora_full.py cost [--shared ../shared] [--steps 5] [--micro-tokens 512] [--out FILE]
    python bench/lora_full.py quality [--base DIR --data FILE --task completion] [--rows 600] [--epochs 2]
        [--full-rates 1e-3 3e-3 1e-2] [--lora-rates 3e-3 1e-2 3e-2] [--out FILE]

cost: a Llama of 135 M parameters with random weights learns requests and responses of bitext-support.  Each arm trains
in a process of its own, which `memory.py` measures: beyond the weights is the peak less what the process holds before
anything is loaded and less the weights in float32.

quality: a real model.  Every arm is trained at every rate of its grid; the validation rows choose one of each; the test
rows, which nothing else has read, score those once.  Differences are paired, over the same draws of rows.

Both write into the same file: what the other part has left there stays.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import memory

Sets = dict[str, Any]
ARMS: dict[str, Sets] = {
    "full": {},
    "LoRA, rank 16": {"tuning.name": "lora"},
    "LoRA, rank 2": {"tuning.name": "lora", "tuning.rank": 2, "tuning.alpha": 4.0},
}
RATES = {"full": (1e-3, 3e-3, 1e-2), "lora": (3e-3, 1e-2, 3e-2)}
LENGTH, BATCH = 256, 4  # of a step where cost is measured: tokens of a row, rows
FLOAT = 4
GOAL = {"moving": 0.005, "saved": 0.6}
SCORES = {"text": "loss", "label": "accuracy"}  # by what a task predicts
SEED = 20261121


def main() -> int:
    """Measure what is asked for and keep it; 0 whatever comes out."""
    options = _options()
    home = Path(options.home or tempfile.mkdtemp(prefix="lora-full-"))
    home.mkdir(parents=True, exist_ok=True)
    found = cost(options, home) if options.part == "cost" else quality(options, home)
    if options.out:
        path = Path(options.out)
        before = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        text = json.dumps({**before, **memory.about(), options.part: found}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("cost", "quality"))
    parser.add_argument("--shared", default="../shared", help="folder of data and models")
    parser.add_argument("--arm", action="append", choices=tuple(ARMS), help="default: all")
    parser.add_argument("--steps", type=int, default=5, help="that cost is measured on")
    parser.add_argument(
        "--micro-tokens", type=int, default=0, help="train.micro_tokens where cost is measured"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--base", default="", help="default: stories260k-llama")
    parser.add_argument("--data", default="", help="default: instruction-rasbt")
    parser.add_argument("--task", default="completion")
    parser.add_argument("--rows", type=int, default=600, help="training rows; 0: all")
    parser.add_argument("--epochs", type=float, default=2.0)
    for kind, rates in RATES.items():
        parser.add_argument(f"--{kind}-rates", type=float, nargs="+", default=rates, help="tried by each arm")
    parser.add_argument("--home", default="")
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    options.arm = options.arm or list(ARMS)
    return options


# ---- cost ---------------------------------------------------------------------------------------------------------


def cost(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """What each arm moves, holds and takes; the share of memory that LoRA saves of full tuning."""
    data = home / "support.jsonl"
    support(Path(options.shared) / "data" / "bitext-support" / "all.jsonl.gz", data)
    base = memory.folder_of("random135m", home, Path(options.shared))
    arms = {name: arm_cost(name, base, data, options, home) for name in options.arm}
    for arm in arms.values():
        arm["saved"] = (
            round(1 - arm["beyond_weights"] / arms["full"]["beyond_weights"], 4) if "full" in arms else None
        )
    about = {"rows_a_step": BATCH, "longest": LENGTH, "micro_tokens": options.micro_tokens}
    return {**about, "goal": GOAL, "arms": arms}


def support(source: Path, goal: Path) -> None:
    """Two hundred requests with their responses."""
    lines = gzip.decompress(source.read_bytes()).decode("utf-8").splitlines()
    with goal.open("w", encoding="utf-8") as file:
        for line in random.Random(SEED).sample(lines, 200):
            row = json.loads(line)
            file.write(json.dumps({"prompt": row["instruction"], "completion": row["response"]}) + "\n")


def arm_cost(name: str, base: str, data: Path, options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """One arm in a process of its own, and what `tunesmith estimate` says beforehand."""
    sets = {"train.batch_size": BATCH, "train.micro_tokens": options.micro_tokens, **ARMS[name]}
    asked = {"base": base, "task": "completion", "data": str(data), "length": LENGTH, "sets": sets}
    asked |= {"threads": options.threads, "steps": options.steps}
    said = memory.estimate_whole(asked, home)
    seen = memory.trained(name, asked, home, pinned=False)
    tokens = said["rows"]["mean_tokens"] * BATCH / 1000
    beyond = seen["peak"] - seen["floor"] - FLOAT * said["parameters"]
    found = {
        "parameters": said["parameters"],
        "moving": said["moving"],
        "share_moving": round(said["moving"] / said["parameters"], 5),
        "peak": seen["peak"],
        "estimated": said["memory"]["peak_bytes"],
        "beyond_weights": beyond,
        "seconds_per_1000_tokens": round(statistics.median(seen["seconds"]) / tokens, 3),
        "cpu_seconds_per_1000_tokens": round(statistics.median(seen["cpu_seconds"]) / tokens, 3),
        "n_steps": len(seen["seconds"]),
    }
    print(json.dumps({"arm": name, **found}), flush=True)
    return found


# ---- quality ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A trained arm and what it says of rows."""

    moving: int
    cpu_seconds: float
    validation: Any
    test: Any


def quality(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Rates chosen on validation rows, the chosen models on the test rows, and their differences from full tuning."""
    from tunesmith.data.checking import last
    from tunesmith.evaluate import compare, measure
    from tunesmith.lifecycle import prepare

    shared = Path(options.shared).resolve()
    options.base = options.base or str(shared / "models" / "stories260k-llama")
    options.data = options.data or str(shared / "data" / "instruction-rasbt" / "all.jsonl")
    made = last(prepare.prepare(_recipe(options), home))
    score = SCORES[made.task.predicts]
    metric, names = measure.metric(score), [score, *(["token_accuracy"] if score == "loss" else [])]
    chosen: dict[str, tuple[float, Fit]] = {}
    arms: dict[str, Any] = {}
    for name in options.arm:
        tried = {rate: fitted(name, rate, made, options, home) for rate in _rates(name, options)}
        looks = {rate: measure.measure(fit.validation, [score])[score].value for rate, fit in tried.items()}
        best = max(looks, key=lambda rate: metric.better * looks[rate])
        chosen[name] = best, tried[best]
        arms[name] = {
            "moving": tried[best].moving,
            "rate": best,
            "validation": {f"{rate:g}": value for rate, value in looks.items()},
            "test": {key: value.to_json() for key, value in measure.measure(tried[best].test, names).items()},
            "cpu_seconds": {f"{rate:g}": fit.cpu_seconds for rate, fit in tried.items()},
        }
        if name != "full" and "full" in chosen:
            told = compare.paired(tried[best].test, chosen["full"][1].test, metric).to_json()
            arms[name]["minus_full"] = {key: told[key] for key in ("value", "low", "high", "n", "outcome")}
        print(json.dumps({"arm": name, **arms[name]}), flush=True)
    rows = {side: len(getattr(made, side)) for side in ("validation", "test")}
    rows["train"] = min(options.rows or len(made.train), len(made.train))
    base, data = Path(options.base).name, Path(options.data).parent.name
    return {"base": base, "data": data, "metric": score, "epochs": options.epochs, "rows": rows, "arms": arms}


def _rates(name: str, options: argparse.Namespace) -> list[float]:
    return getattr(options, f"{ARMS[name].get('tuning.name', 'full')}_rates")


def _recipe(options: argparse.Namespace, **more: Any) -> Any:
    from tunesmith.recipe import toml

    values = {"base": options.base, "task.name": options.task, "train.epochs": options.epochs}
    values |= {"train.dtype": "float32", "train.threads": options.threads, **more}
    table = f"[data]\nsource = {json.dumps(options.data)}\nsplit = {{ validation = 0.15, test = 0.3 }}\n"
    return toml.loads(table, overrides=[f"{key}={value}" for key, value in values.items()])


def fitted(name: str, rate: float, made: Any, options: argparse.Namespace, home: Path) -> Fit:
    """One arm trained at one rate, on the first rows of the training side."""
    from tunesmith import catalog
    from tunesmith.advise.ladder import advised
    from tunesmith.lifecycle.climb import Climber
    from tunesmith.recipe.setting import with_values

    recipe = _recipe(options, **{"train.peak_lr": rate, **ARMS[name]})
    recipe = advised(recipe, catalog.make("task", recipe.task))
    approach = catalog.make("approach", recipe.approach)
    recipe = with_values(recipe, approach.resolve(recipe), by="probe")
    mine = replace(made, recipe=recipe, train=_drawn(made.train, options.rows))
    folder = Path(tempfile.mkdtemp(dir=home))
    climber = Climber(mine, folder, home / "cache", offline=True)
    job, begun = climber.job(recipe, folder, climber.base(recipe)), time.process_time()
    for _ in approach.fit(job):
        pass
    took = round(time.process_time() - begun, 1)
    net = approach.open(job.model, job.task, job.codec, job.base, job.recipe).net
    moving = sum(p.numel() for p in net.parameters() if p.requires_grad)
    return Fit(moving, took, *(said(net, job, mine, getattr(made, side)) for side in ("validation", "test")))


def _drawn(rows: Any, count: int) -> Any:
    """So many of the rows, by the seed: files are often sorted by label."""
    return random.Random(SEED).sample(list(rows), count) if 0 < count < len(rows) else rows


def said(net: Any, job: Any, made: Any, rows: Any) -> Any:
    """What a network says of rows it did not learn from; answers are not written, their likelihood is asked."""
    from tunesmith.lifecycle import climb
    from tunesmith.train.engine import local

    outputs = local.predict(net, job.task, job.codec, rows)
    told = [job.task.decode(row, each, job.codec) for row, each in zip(rows, outputs, strict=True)]
    return climb.outcomes(made, told, rows)


if __name__ == "__main__":
    sys.exit(main())
