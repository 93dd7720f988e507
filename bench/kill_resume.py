"""Kill -9 real training runs and resume them: the final weights must be those of the uninterrupted run.

    python bench/kill_resume.py --data TRAIN.jsonl.gz [--rows 1000] [--kills 20] [--tuning full] [--home DIR]
    python bench/kill_resume.py --data CHATS.jsonl --task chat --base FOLDER --dtype float32

Each tuning gets one uninterrupted run and one that is killed: 70 % of the kills at uniform moments of its length, 30 %
aimed at saves (as soon as a checkpoint's staging folder appears).  Prints one JSON line per tuning.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = """
task = "{task}"
base = "{base}"
approach = "tune"

[data]
source = "{source}"
split = {{ validation = 0.0, test = 0.1 }}

[tuning]
name = "{tuning}"

[train]
epochs = 2
batch_size = 32
micro_tokens = {micro_tokens}
dropout = 0.1
save_steps = 8
dtype = "{dtype}"
"""


def main() -> int:
    """Run the campaign; exit 1 where any final hash differs."""
    options = _options()
    place = Path(options.home or tempfile.mkdtemp())
    source = place / "rows.jsonl"
    lines = _opened(Path(options.data)).splitlines()
    chosen = sorted(random.Random(options.seed).sample(range(len(lines)), options.rows))
    place.mkdir(parents=True, exist_ok=True)
    source.write_text("\n".join(lines[index] for index in chosen) + "\n", encoding="utf-8")
    failed = 0
    for tuning in options.tuning:
        result = campaign(place / tuning, source, tuning, options)
        failed += result["equal"] != result["resumed"]
        print(json.dumps(result), flush=True)
    return int(failed > 0)


def _opened(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10, help="kills of each tuning")
    parser.add_argument("--tuning", action="append", default=None)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--task", default="text-classification")
    parser.add_argument("--base", default="minilm")
    parser.add_argument("--micro-tokens", type=int, default=512)
    parser.add_argument("--home", default="")
    parser.add_argument("--seed", type=int, default=20261120)
    options = parser.parse_args()
    options.tuning = options.tuning or ["lora", "full"]
    return options


def campaign(folder: Path, source: Path, tuning: str, options: argparse.Namespace) -> dict[str, object]:
    """One uninterrupted run, then as many killed and resumed ones as wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "recipe.toml"
    values = {"task": options.task, "base": options.base, "dtype": options.dtype}
    text = RECIPE.format(source=source, tuning=tuning, micro_tokens=options.micro_tokens, **values)
    recipe.write_text(text, encoding="utf-8")
    home, rng = folder / "home", random.Random(f"{options.seed} {tuning}")
    begun = time.monotonic()
    start(home, recipe).wait()
    whole = newest(home)
    wanted, length = final(whole), training_seconds(whole, time.monotonic() - begun)
    moments, inside, killed, equal, resumed = [], 0, 0, 0, 0
    for number in range(options.kills):
        aimed = number >= round(0.7 * options.kills)
        child = start(home, recipe)
        run, at = kill(child, home, whole, aimed, rng.random() * length, rng)
        moments.append(round(at, 2))
        killed += child.returncode == -signal.SIGKILL  # the others had ended before
        inside += bool(run and list((run / "checkpoints").glob(".*staging*")))
        code = start(home, None, run.name if run else "").wait() if run else 1
        resumed += 1
        equal += code == 0 and run is not None and final(run) == wanted
    return {
        "tuning": tuning,
        "dtype": options.dtype,
        "rows": options.rows,
        "kills": options.kills,
        "killed": killed,
        "inside_a_save": inside,
        "resumed": resumed,
        "equal": equal,
        "training_seconds": round(length, 1),
        "moments": moments,
        "weights": wanted[:16],
    }


def start(home: Path, recipe: Path | None, resume: str = "") -> subprocess.Popen[bytes]:
    """A training process of its own."""
    words = ["--resume", resume] if resume else [str(recipe)]
    command = [sys.executable, "-m", "tunesmith", "train", *words, "--home", str(home), "--offline", "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(
    child: subprocess.Popen[bytes], home: Path, whole: Path, aimed: bool, moment: float, rng: random.Random
) -> tuple[Path | None, float]:
    """Kill a run `moment` seconds after its training began, or inside one of its saves; (its folder, seconds)."""
    before = {path.name for path in (home / "runs").iterdir()}
    run, began, saves = None, 0.0, rng.randrange(1, 5)
    while child.poll() is None:
        if run is None:
            new = [
                path
                for path in (home / "runs").iterdir()
                if path.name[0].isdigit() and path.name not in before
            ]
            run = new[0] if new else None
        elif not began:
            began = time.monotonic() if '"event": "step"' in log(run) else 0.0
        elif not aimed and time.monotonic() - began >= moment:
            break
        elif aimed and list((run / "checkpoints").glob(".step*staging*")):
            saves -= 1
            if saves <= 0:
                break
            time.sleep(0.3)
        time.sleep(0.002 if aimed and began else 0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    return run, time.monotonic() - began if began else 0.0


def log(run: Path) -> str:
    path = run / "events.jsonl"
    return path.read_text("utf-8") if path.exists() else ""


def training_seconds(run: Path, most: float) -> float:
    """About how long training took: from the run's creation to its final weights."""
    ended = (run / "model" / "delta.safetensors").stat().st_mtime
    return max(3.0, min(most, (ended - (run / "lineage.json").stat().st_mtime) * 0.8))


def newest(home: Path) -> Path:
    return max(path for path in (home / "runs").iterdir() if path.name[0].isdigit())


def final(run: Path) -> str:
    """SHA-256 of the final weights."""
    path = run / "model" / "delta.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


if __name__ == "__main__":
    raise SystemExit(main())
