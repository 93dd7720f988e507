"""Layers compiled one by one: one graph serves every layer of a stack and every length (regional compilation).

On a CPU it does not pay within a run of minutes.  Seconds of one core for a step, compiled and as it is: minilm (32 ×
20 tokens, float32, no dropout) 0.69 and 0.57 after 14 s of compiling; four layers of a Llama of width 576 with LoRA (4
× 160 tokens, float32) 0.86 and 0.91 after 22 s.  What it gains on a GPU is measured by `bench/gpu`.
"""

from __future__ import annotations

import shutil
from typing import Any

import torch

from tunesmith.nn import parameters


def able(device: str) -> bool:
    """Whether torch can compile here: with Triton for a GPU, with a C++ compiler for a CPU."""
    if device == "cuda":
        from torch.utils._triton import has_triton

        return torch.cuda.is_available() and has_triton()
    return any(shutil.which(name) for name in ("g++", "clang++"))


def enable(net: Any) -> None:
    """Compile each layer at its first call.  Results differ by rounding.  Raises ValueError for a net without a stack
    of layers."""
    for layer in parameters.layers(net):
        layer.compile(dynamic=True)
