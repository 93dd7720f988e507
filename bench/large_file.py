"""Check and split a file that is larger than memory should be: rows a second and peak memory.

    python bench/large_file.py --gigabytes 5 [--workers 2] [--home DIR] [--out bench/results/FILE.json]

Generates JSONL documents (words by Zipf's law, some exact and near copies, some broken lines), then runs
`tunesmith data check` and `tunesmith data split` on it as a user would, and reads the peak memory of each with its
children from the system.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LETTERS = "eeeeettttaaaooiinnsshhrrddlucmwfgypbvk"  # about as often as in English


def main() -> int:
    """Generate, check, split; print one JSON object."""
    options = _options()
    place = Path(options.home or tempfile.mkdtemp(prefix="large-"))
    place.mkdir(parents=True, exist_ok=True)
    source = place / "documents.jsonl"
    made = generate(source, int(options.gigabytes * 1e9), options.words, options.seed)
    result = {"bytes": source.stat().st_size, **made, "workers": options.workers}
    for verb in ("check", "split"):
        result[verb] = timed(verb, source, place / "home", made["rows"], options)
    print(json.dumps(result))
    if options.out:
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--words", type=int, default=600, help="words of a document, on average")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--home", default="")
    parser.add_argument("--out", default="")
    parser.add_argument("--seed", type=int, default=20261120)
    return parser.parse_args()


def generate(path: Path, size: int, words: int, seed: int) -> dict[str, int]:
    """Documents of varying length; 1 in 1,000 a copy, 1 in 1,000 a near copy, 1 in 5,000 no JSON."""
    rng, draws = random.Random(seed), np.random.default_rng(seed)
    made = ("".join(rng.choices(LETTERS, k=rng.randint(2, 10))) for _ in range(50_000))
    vocabulary = np.array(list(made), object)
    heights = np.cumsum(1 / (np.arange(len(vocabulary)) + 20))
    counts = {"rows": 0, "copies": 0, "near": 0, "broken": 0}
    text, written = "Nothing yet.", 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            kind, new = _drawn(rng), draws.random(rng.randint(words // 2, words * 3 // 2))
            if not kind:
                drawn = vocabulary[np.searchsorted(heights, new * heights[-1])].tolist()
                text = " ".join([*drawn, str(counts["rows"])]).capitalize() + "."
            line = {
                "broken": '{"text": "torn\n',
                "near": json.dumps({"text": text[: len(text) * 19 // 20] + " changed."}) + "\n",
            }.get(kind, json.dumps({"text": text}) + "\n")
            written += file.write(line)
            counts["rows"] += kind != "broken"
            if kind:
                counts[kind] += 1
    return counts


def _drawn(rng: random.Random) -> str:
    draw = rng.random()
    return "broken" if draw < 0.0002 else "copies" if draw < 0.0012 else "near" if draw < 0.0022 else ""


def timed(verb: str, source: Path, home: Path, rows: int, options: argparse.Namespace) -> dict[str, object]:
    """One command as a child: seconds, rows a second, exit code, peak memory of it and its workers together (bytes)."""
    command = [
        sys.executable,
        "-m",
        "tunesmith",
        "data",
        verb,
        str(source),
        "--form",
        "text",
        "--home",
        str(home),
    ]
    more = {"check": ["--workers", str(options.workers)], "split": ["--out", str(home.parent / "sides")]}
    begun, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([*command, *more[verb], "--json"], stdout=out)
        peak, alone = 0, 0
        while child.poll() is None:
            sizes = memory(child.pid)
            peak, alone = max(peak, sum(sizes)), max(alone, *sizes, 0)
            time.sleep(0.2)
        seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        out.seek(0)
        told = json.loads(out.read().splitlines()[-1])
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    found: dict[str, object] = {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "rows_per_second": round(rows / seconds),
        "exit_code": child.returncode,
        "peak_bytes_all_processes": peak,
        "peak_bytes_largest_process": alone,
    }
    if verb == "check":
        return {**found, "findings": {each["code"]: each["count"] for each in told["findings"]}}
    return {**found, "sides": told["sides"], "groups": told["groups"]}


def memory(pid: int) -> list[int]:
    """Resident bytes of a process and all below it; shared pages count for each."""
    sizes, left = [], [pid]
    while left:
        each = left.pop()
        try:
            pages = int(Path(f"/proc/{each}/statm").read_text().split()[1])
            left += [int(word) for word in Path(f"/proc/{each}/task/{each}/children").read_text().split()]
        except (OSError, IndexError):
            continue
        sizes.append(pages * resource.getpagesize())
    return sizes


if __name__ == "__main__":
    raise SystemExit(main())
