"""In which numbers peers are tried: bfloat16 only where the machine multiplies it about as fast as float32."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from bench import processes
from bench.row import JUDGES, Options

WIN = 0.95  # share of float32's speed below which bfloat16 is not tried


def dtypes(options: Options, shapes: Sequence[tuple[int, int, int]]) -> list[str]:
    """float32, and bfloat16 where its products are about as fast on this machine or faster; the faster one first."""
    peaks = _peaks(options.ours, options.threads, json.dumps([*shapes]))
    tried = [name for name in ("float32", "bfloat16") if peaks[name] > WIN * peaks["float32"]]
    return sorted(tried, key=lambda name: -peaks[name])


@functools.cache
def _peaks(python: str, threads: int, shapes: str) -> dict[str, float]:
    command = [python, str(JUDGES.parent / "hardware.py"), str(threads), shapes]
    return processes.asked("the peak's probe", command, JUDGES)
