"""Runs the arms of a row one after the other, each in a process of its own, and compares them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.gpu import clock, shapes, work

# arm → module, flags, the library without which it can't run
ARMS = {
    "ours": ("bench.gpu.ours", (), "tunesmith"),
    "ours-compiled": ("bench.gpu.ours", ("--compile",), "tunesmith"),
    "trl": ("bench.gpu.peers", (), "trl"),
    "trl-liger": ("bench.gpu.peers", ("--liger",), "liger_kernel"),
    "unsloth": ("bench.gpu.peers", ("--unsloth",), "unsloth"),
}
DRAWS = 2000
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """0 once all arms that can run have run, 1 where one failed or they read other tokens."""
    options = _options()
    row = shapes.tiny(shapes.ROWS[options.row]) if options.tiny else shapes.ROWS[options.row]
    device = _device(options)
    steps = options.steps + (clock.TINY_WARM_UP if options.tiny else clock.WARM_UP)
    folder = Path(options.work or tempfile.mkdtemp(prefix="bench-gpu-"))
    task = work.prepare(row, folder, steps)
    able = [name for name in options.arms if _python(name, options)]
    missing = [name for name in options.arms if name not in able]
    runs = [_run(name, task, device, options) for name in _order(able, options.pairs)]
    found = {"row": row.name, "tiny": options.tiny, "device": device, "cannot": missing, "runs": runs}
    found |= {"ratios": _ratios(runs)}
    text = json.dumps(found, indent=1)
    if options.out:
        Path(options.out).write_text(text + "\n", encoding="utf-8")
    print(text)
    whole = [run for run in runs if "failed" not in run]
    return 0 if len(whole) == len(runs) and len({run["tokens_sha256"] for run in whole}) <= 1 else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("row", choices=tuple(shapes.ROWS))
    parser.add_argument("--tiny", action="store_true", help="miniature shapes, on a CPU too")
    parser.add_argument("--device", default="", choices=("", "cuda", "cpu"))
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each run")
    parser.add_argument("--pairs", type=int, default=4, help="runs of each arm, in the order A B B A")
    parser.add_argument("--arms", default=",".join(ARMS), type=lambda text: text.split(","))
    parser.add_argument("--peers", default=sys.executable, help="the python that has the peers")
    parser.add_argument("--work", default="", help="keeps weights between invocations")
    parser.add_argument("--out", default="")
    return parser.parse_args()


def _device(options: argparse.Namespace) -> str:
    import torch

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu" and not options.tiny:
        raise SystemExit("not run: torch can use no GPU here; --tiny tries the course on a CPU")
    return device


def _python(name: str, options: argparse.Namespace) -> str:
    """The python that runs an arm, '' where its library is not installed."""
    _, _, library = ARMS[name]
    if library == "tunesmith" or options.peers == sys.executable:
        return sys.executable if importlib.util.find_spec(library) else ""
    asked = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({library!r}) is None)"
    return options.peers if subprocess.run([options.peers, "-c", asked], check=False).returncode == 0 else ""


def _order(arms: list[str], pairs: int) -> list[str]:
    """A B C, C B A, A B C …: no arm always comes first."""
    return [name for turn in range(pairs) for name in (arms if turn % 2 == 0 else arms[::-1])]


def _run(name: str, task: Path, device: str, options: argparse.Namespace) -> dict[str, Any]:
    module, flags, _ = ARMS[name]
    command = [_python(name, options), "-m", module, str(task), "--device", device, *flags]
    command += ["--tiny"] if options.tiny else []
    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=3600, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"arm"')]
    if done.returncode or not lines:
        return {"arm": name, "failed": done.returncode, "end": (done.stdout + done.stderr)[-2000:]}
    return json.loads(lines[-1]) | {"arm": name}


def _ratios(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each other arm ours ÷ it in real tokens a second: median over pairs, bootstrap interval of 95 %."""
    speeds: dict[str, list[float]] = {}
    for run in runs:
        if "failed" not in run:
            speeds.setdefault(run["arm"], []).append(run["real_tokens_per_second"])
    ours = speeds.pop("ours", [])
    return {name: _ratio(ours, theirs) for name, theirs in speeds.items() if ours}


def _ratio(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    pairs = [one / other for one, other in zip(ours, theirs, strict=False)]
    draw = random.Random(0)
    drawn = sorted(statistics.median(draw.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    low, high = drawn[round(0.025 * DRAWS)], drawn[round(0.975 * DRAWS) - 1]
    return {"ratio": statistics.median(pairs), "low": low, "high": high, "n": len(pairs)}


if __name__ == "__main__":
    sys.exit(main())
