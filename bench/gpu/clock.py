"""Seconds of steps by device events, peak memory, and how fast the device multiplies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

WARM_UP = 20  # steps before any is timed: kernels are compiled and chosen, memory is taken
TINY_WARM_UP = 1
TRIES = 8


class Clock:
    """Marks between steps.  On a GPU the device itself notes the time, so that nobody waits for it in between."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._marks: list[Any] = []

    def mark(self) -> None:
        """A step ends and the next begins."""
        if self._device == "cpu":
            self._marks.append(time.perf_counter())
            return
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self._marks.append(event)

    def seconds(self) -> list[float]:
        """Of each step between two marks."""
        pairs = list(zip(self._marks, self._marks[1:], strict=False))
        if self._device == "cpu":
            return [later - sooner for sooner, later in pairs]
        import torch

        torch.cuda.synchronize()
        return [sooner.elapsed_time(later) / 1000 for sooner, later in pairs]


def peak_memory(device: str) -> int:
    """Most bytes that tensors have held, on the GPU, or that the process has had."""
    if device == "cpu":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    import torch

    return torch.cuda.max_memory_allocated()


def peak_products(config: dict[str, Any], device: str) -> float:
    """Operations a second of the best of eight products at the model's shapes, bfloat16 on a GPU, else float32."""
    import torch

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    tokens = 8192 if device != "cpu" else 256
    wide, inner = config["hidden_size"], config["intermediate_size"]
    left = torch.randn(tokens, wide, dtype=dtype, device=device)
    right = torch.randn(wide, inner, dtype=dtype, device=device)
    took = min(_timed(lambda: left @ right, device) for _ in range(TRIES))
    return 2 * tokens * wide * inner / took


def _timed(work: Callable[[], Any], device: str) -> float:
    work()
    clock = Clock(device)
    clock.mark()
    for _ in range(4):
        work()
    clock.mark()
    return clock.seconds()[0] / 4


def versions() -> dict[str, str]:
    """Of what was used, and the GPU's name."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    found = {"gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else ""}
    for name in ("torch", "transformers", "peft", "trl", "liger-kernel", "unsloth", "flash-attn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
