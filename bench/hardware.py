"""What the machine is and can do at most: processor, versions, and the fastest matrix products, measured in this run.

python bench/hardware.py THREADS '[[2048, 2048, 2048]]'     prints FLOP/s by type of number
"""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LIBRARIES = (
    *(
        "tunesmith",
        "torch",
        "transformers",
        "peft",
        "trl",
        "accelerate",
        "datasets",
        "setfit",
        "sentence-transformers",
    ),
    *("litgpt", "optuna", "scikit-learn", "numpy", "rensa", "datasketch", "tokenizers"),
)
REPEATS = 5  # how often a product is timed: the best counts
SECONDS = 0.02  # that one timing takes at least
ASKING = """import json
from importlib.metadata import distributions
print(json.dumps({each.name: each.version for each in distributions()}))"""


def about() -> dict[str, Any]:
    """Processor, cores in use, memory, kernel."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def versions(installed: dict[str, str]) -> dict[str, str]:
    """Of the libraries that a reader must know of.  installed: name → version, as `ASKING` prints it."""
    found = {name.lower().replace("_", "-"): version for name, version in installed.items()}
    return {name: found[name] for name in LIBRARIES if name in found}


@functools.cache
def installed(python: str) -> dict[str, str]:
    """`versions` of another python; empty where it can't be asked."""
    try:
        told = subprocess.run([python, "-c", ASKING], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return {}
    return versions(json.loads(told.stdout))


def peaks(threads: int, shapes: Sequence[Sequence[int]]) -> dict[str, float]:
    """FLOP/s by type of number over products [m, k] · [k, n]: all their operations ÷ all their seconds.

    float32 by the faster of torch's own routing and oneDNN.  Types that the machine can't multiply are left out.
    """
    import torch

    torch.set_num_threads(threads)
    found = {}
    for name, ways in _ways(torch).items():
        try:
            found[name] = max(_rate(torch, getattr(torch, name), way, shapes) for way in ways)
        except (RuntimeError, AttributeError):
            continue
    return found


def _ways(torch: Any) -> dict[str, list[Callable[[Any, Any], Any]]]:
    def onednn(one: Any, other: Any) -> Any:
        return torch.ops.mkldnn._linear_pointwise(one, other.t(), None, "none", [], "")

    own = torch.matmul
    return {
        "float32": [own, *([onednn] if torch.backends.mkldnn.is_available() else [])],
        "bfloat16": [own],
        "int8": [torch._int_mm],
    }


def _rate(torch: Any, dtype: Any, way: Callable[[Any, Any], Any], shapes: Sequence[Sequence[int]]) -> float:
    work = seconds = 0.0
    for m, k, n in shapes:
        one, other = ((torch.randn(size) * 20).to(dtype) for size in ((m, k), (k, n)))
        work += 2.0 * m * k * n
        seconds += _best(lambda one=one, other=other: way(one, other))
    return work / seconds


def _best(product: Callable[[], Any]) -> float:
    start = time.perf_counter()
    product()  # warms up, and says how many make a timing
    product()
    times = max(1, int(SECONDS / max(1e-7, (time.perf_counter() - start) / 2)))
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(times):
            product()
        best = min(best, (time.perf_counter() - start) / times)
    return best


def processor() -> str:
    """Its name, as the system tells it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


if __name__ == "__main__":
    print(json.dumps(peaks(int(sys.argv[1]), json.loads(sys.argv[2]))))
