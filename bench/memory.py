"""`tunesmith estimate` beside the peak memory of real training runs on the CPU.

    python bench/memory.py [--only WORD] [--shared ../shared] [--out bench/results/FILE.json] [--again FILE] [--pinned]

Twelve runs: models of 0.26 M, 1 M, 22 M and 135 M parameters (the last of random weights), full, frozen and LoRA,
float32 and bfloat16, short and long rows.  Each trains a few steps in a child process of its own, which first trains a
miniature so that all libraries are there (the floor), sets the system's high-water mark back, and reads it when the run
has ended.  One constant of the formula is fitted, the share of holes in the heap (`advise/memory.py`): it is set on the
runs marked `set` and judged by those held out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import hardware

LIMIT = 0.10  # share of the measured peak that an estimate may be off
STEPS = 3  # from the second on the optimizer has moments, and the heap its holes
SEEN = ("floor", "peak", "seconds", "cpu_seconds")
# name, base, task, longest row in tokens, recipe
RUNS: list[tuple[str, str, str, int, dict[str, Any]]] = [
    ("stories full 16 x 512", "stories", "completion", 512, {"train.micro_tokens": 4096}),
    ("stories full 32 x 256 at once", "stories", "completion", 256, {"train.batch_size": 32, "train.micro_tokens": 0}),
    ("stories LoRA 48 x 256 at once", "stories", "completion", 256,
     {"tuning.name": "lora", "train.batch_size": 48, "train.micro_tokens": 0}),
    ("babyllama full bfloat16 32 x 256", "babyllama", "completion", 256,
     {"train.dtype": "bfloat16", "train.batch_size": 32, "train.micro_tokens": 8192}),
    ("babyllama LoRA 32 x 256 at once", "babyllama", "completion", 256,
     {"tuning.name": "lora", "train.batch_size": 32, "train.micro_tokens": 0}),
    ("135M full 4 x 128", "random135m", "completion", 128, {"train.batch_size": 4}),
    ("135M LoRA 4 x 128", "random135m", "completion", 128, {"tuning.name": "lora", "train.batch_size": 4}),
    ("135M full bfloat16 4 x 128 in two", "random135m", "completion", 128,
     {"train.dtype": "bfloat16", "train.batch_size": 4, "train.micro_tokens": 256}),
    ("135M LoRA bfloat16 4 x 256", "random135m", "completion", 256,
     {"tuning.name": "lora", "train.dtype": "bfloat16", "train.batch_size": 4}),
    ("135M top 2 layers 4 x 256", "random135m", "completion", 256,
     {"tuning.name": "freeze", "train.batch_size": 4}),
    ("minilm full 32 x 128", "minilm", "text-classification", 128, {}),
    ("minilm LoRA bfloat16 64 x 128", "minilm", "text-classification", 128,
     {"tuning.name": "lora", "train.dtype": "bfloat16", "train.batch_size": 64}),
]  # fmt: skip
SMALL = {
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "vocab_size": 49152,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
}


def main() -> int:
    """Run, estimate, compare; 1 where an estimate is further off than the limit."""
    options = _options()
    if options.child:
        print(json.dumps(measured(json.loads(options.child))))
        return 0
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        place = Path(folder)
        before = json.loads(Path(options.again).read_text()) if options.again else {"runs": []}
        known = {each["run"]: {key: each[key] for key in SEEN} for each in before["runs"]}
        found = [
            compared(number, run, place, options, known.get(run[0]))
            for number, run in enumerate(RUNS)
            if options.only in run[0] and (run[0] in known or not options.again)
        ]
    result = {
        **about(),
        "limit": LIMIT,
        "steps": STEPS,
        "threads": options.threads,
        "runs": found,
        **summary(found),
    }
    print(json.dumps(summary(found)))
    if options.out:
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(not result["within_limit"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="runs whose name holds this word")
    parser.add_argument("--shared", default="../shared")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default="")
    parser.add_argument(
        "--again", default="", help="estimate beside what was measured before, in a result file"
    )
    parser.add_argument(
        "--pinned",
        action="store_true",
        help="let blocks from 1 MiB on go back to the system when they are freed",
    )
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def compared(
    number: int,
    run: tuple[str, str, str, int, dict[str, Any]],
    place: Path,
    options: argparse.Namespace,
    known: dict[str, Any] | None,
) -> dict[str, Any]:
    """One run: what was estimated before, what was measured after.  known: what was measured earlier."""
    name, base, task, length, sets = run
    data = place / f"{base}-{length}.jsonl"
    if not data.exists():
        write_rows(data, task, length, characters=1.0 if base == "babyllama" else 1.8)
    asked = {
        "base": folder_of(base, place, Path(options.shared)),
        "task": task,
        "data": str(data),
        "length": length,
        "threads": options.threads,
        "sets": sets,
    }
    estimated = estimate(asked, place)
    seen = known or trained(name, asked, place, options.pinned)
    floor = next(each["bytes"] for each in estimated["components"] if each["name"] == "framework")
    guess = estimated["peak_bytes"]
    line = {
        "run": name,
        "half": "set" if number % 2 == 0 else "held out",
        "measured": seen["peak"],
        "estimated": guess,
        "error": round(guess / seen["peak"] - 1, 4),
        "error_beyond_floor": round((guess - floor) / max(1, seen["peak"] - seen["floor"]) - 1, 4),
        "phase": estimated["phase"],
        **seen,
    }
    print(json.dumps(line), flush=True)
    return line


def trained(name: str, asked: dict[str, Any], place: Path, pinned: bool) -> dict[str, Any]:
    """What the child measured.

    pinned: glibc's threshold stays at 1 MiB.  Left alone it grows to 32 MiB, and freed activations stay in the heap as
    holes that the next step's do not fit into.
    """
    environment = {**os.environ, **({"MALLOC_MMAP_THRESHOLD_": str(1 << 20)} if pinned else {})}
    command = [sys.executable, __file__, "--child", json.dumps({**asked, "place": str(place)})]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def recipe_of(asked: dict[str, Any], epochs: float | None = None) -> Any:
    """The recipe of a run."""
    from tunesmith.recipe import toml

    quoted = {"base": asked["base"], "task.name": asked["task"], "data.source": asked["data"]}
    quoted |= {
        "approach.head": "random",
        "task.max_length": asked["length"],
        "train.threads": asked["threads"],
        **asked["sets"],
    }
    quoted.setdefault("train.dtype", "float32")
    if epochs:
        quoted["train.epochs"] = epochs
    given = [f"{key}={value}" for key, value in quoted.items() if not key.startswith("data.")]
    return toml.loads(f"[data]\nsource = {json.dumps(asked['data'])}\n", overrides=given)


def estimate(asked: dict[str, Any], place: Path) -> dict[str, Any]:
    """The memory that `tunesmith estimate` tells."""
    return estimate_whole(asked, place)["memory"]


def estimate_whole(asked: dict[str, Any], place: Path) -> dict[str, Any]:
    """All that `tunesmith estimate` tells."""
    from tunesmith import lifecycle
    from tunesmith.lifecycle import estimating

    return lifecycle.run(estimating.estimated(recipe_of(asked), home=place / "home")).values


def measured(asked: dict[str, Any]) -> dict[str, Any]:
    """In the child: floor, peak and seconds of each step, from the approach's own `fit`."""
    from tunesmith import catalog
    from tunesmith.advise.ladder import advised
    from tunesmith.bases import Base
    from tunesmith.data import profile
    from tunesmith.events import Step
    from tunesmith.lifecycle.datasets import opened
    from tunesmith.lifecycle.prepare import content_of
    from tunesmith.parts import Job
    from tunesmith.recipe.setting import with_values

    recipe = recipe_of(asked)
    recipe = advised(recipe, catalog.make("task", recipe.task))
    opening = opened(asked["data"], Path(asked["place"]) / "home", content=content_of(recipe))
    try:
        while True:
            next(opening)
    except StopIteration as end:
        dataset = end.value
    batch, records = recipe.train.batch_size, list(dataset.records)
    recipe = with_values(
        recipe, {"train.epochs": asked.get("steps", STEPS) / max(1, round(len(records) / batch))}, by="you"
    )
    approach, task = catalog.make("approach", recipe.approach), catalog.make("task", recipe.task)
    recipe = with_values(recipe, approach.resolve(recipe), by="probe")
    facts = profile.profile(records, dataset.content)
    folder = Path(tempfile.mkdtemp(dir=asked["place"]))
    small = Job(
        task, recipe, records[:batch], records[:2], task.tiny_codec(facts), None, folder / "tiny", folder
    )
    short = with_values(recipe, {"train.batch_size": 4, "train.epochs": 1.0}, by="you")
    for _ in approach.fit(replace(small, recipe=short, train=records[:4])):
        pass
    floor = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    base = Base(asked["base"], base_folder(asked["base"]), "")
    job = Job(task, recipe, records, records[:4], task.codec(base, facts), base, folder / "run", folder)
    ends = [clocks() for event in approach.fit(job) if isinstance(event, Step)]
    wall, cpu = ([round(two[at] - one[at], 3) for one, two in pairwise(ends)] for at in (0, 1))
    return {"floor": floor, "peak": resident("VmHWM"), "seconds": wall, "cpu_seconds": cpu}


def clocks() -> tuple[float, float]:
    """Seconds on the wall, and of all cores in this process."""
    return time.perf_counter(), time.process_time()


def base_folder(name: str) -> Path:
    """Where a base's files are."""
    from tunesmith import bases

    return Path(name) if Path(name).is_dir() else bases.resolve(name).folder


def resident(what: str) -> int:
    """VmRSS (bytes that are resident) or VmHWM (the most that were)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":"))


def folder_of(base: str, place: Path, shared: Path) -> str:
    """The base of a run: a known name, a folder, or random weights that are made here."""
    known = {"stories": "stories260k-llama", "babyllama": "babyllama-char-1m"}
    if base in known:
        return str((shared / "models" / known[base]).resolve())
    if base == "minilm":
        return base
    goal = place / base
    if not goal.exists():
        made = [sys.executable, "-c", MAKE, json.dumps(SMALL), str(goal)]
        subprocess.run(made, check=True)
        tokenizer = shared / "models" / known["stories"]
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (goal / name).write_bytes((tokenizer / name).read_bytes())
    return str(goal)


# in a process of its own, so that its memory is not the parent's
MAKE = """
import json, sys, torch, transformers
torch.manual_seed(0)
net = transformers.LlamaForCausalLM(transformers.LlamaConfig(**json.loads(sys.argv[1])))
net.to(torch.bfloat16).save_pretrained(sys.argv[2])
"""


def write_rows(path: Path, task: str, length: int, characters: float) -> None:
    """Rows of random words, of about `length` tokens the longest; 240 of them."""
    rng = random.Random(20261121)
    with path.open("w", encoding="utf-8") as file:
        for number in range(240):
            size = int(length * characters * (1.0 if number % 10 else rng.uniform(0.3, 1.0)))
            text = words(rng, size)
            row = {"prompt": text[: size // 2], "completion": text[size // 2 :]}
            if task == "text-classification":
                row = {"text": words(rng, 4 * size), "label": f"class {number % 8}"}
            file.write(json.dumps(row) + "\n")


def words(rng: random.Random, size: int) -> str:
    """Random words of small letters, in all so many characters."""
    made = ""
    while len(made) < size:
        made += "".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 8))) + " "
    return made[:size].strip()


def about() -> dict[str, Any]:
    """When, how and on what this was measured."""
    found = hardware.about()
    kept = ("python", "torch", "transformers", "peft")
    versions = {"python": found["python"], **hardware.installed(sys.executable)}
    return {
        "date": time.strftime("%Y-%m-%d"),
        "command": f"python bench/{Path(sys.argv[0]).name} {sys.argv[1] if len(sys.argv) > 1 else ''}".strip(),
        "hardware": f"{found['cores']} cores {found['processor']}, {found['memory_gb']:.0f} GB, no GPU used",
        "versions": {name: version for name, version in versions.items() if name in kept},
    }


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The largest error of each half, and whether those held out are within the limit."""
    halves = {
        half: [abs(each["error"]) for each in found if each["half"] == half] for half in ("set", "held out")
    }
    worst = {half: max(errors) for half, errors in halves.items() if errors}
    return {
        "n": len(found),
        "worst_error": worst,
        "mean_error": round(sum(abs(each["error"]) for each in found) / max(1, len(found)), 4),
        "within_limit": max((abs(each["error"]) for each in found), default=0.0) <= LIMIT,
    }


if __name__ == "__main__":
    raise SystemExit(main())
