"""Matrices of 4 bits (NF4, Dettmers et al. 2023) by the library bitsandbytes, on CPU and GPU."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import torch
from torch import nn

LIBRARY = "bitsandbytes"  # optional: only who asks for 4 bits needs it


def quantise(layers: Iterable[nn.Module]) -> None:
    """Replace every linear map in the layers by one of 4 bits.  Raises ValueError where one can't be (GPT-2's)."""
    bnb = import_module(LIBRARY)
    for parent, leaf, module in _children(layers):
        if type(module).__name__ == "Conv1D":
            raise ValueError(f"'{leaf}' is a transposed matrix (Conv1D), which 4 bits can't hold")
        if type(module) is nn.Linear:
            setattr(parent, leaf, _small(module, bnb))


def dequantise(layers: Iterable[nn.Module]) -> None:
    """Ordinary linear maps with the numbers for which the 4 bits stand, in float32."""
    small = import_module(LIBRARY).nn.Linear4bit
    for parent, leaf, module in _children(layers):
        if isinstance(module, small):
            setattr(parent, leaf, large(module))


def dense(linear: Any) -> torch.Tensor:
    """A linear map's matrix, whatever holds it."""
    weight = linear.weight
    if getattr(weight, "quant_state", None) is None:
        return weight
    return import_module(LIBRARY).functional.dequantize_4bit(weight.data, weight.quant_state)


def _children(layers: Iterable[nn.Module]) -> list[tuple[nn.Module, str, nn.Module]]:
    return [
        (parent, leaf, module)
        for layer in layers
        for parent in layer.modules()
        for leaf, module in parent.named_children()
    ]


def _small(linear: nn.Linear, bnb: Any) -> nn.Module:
    """On the device of `linear`; the same numbers give the same 4 bits at every opening."""
    biased, kept = linear.bias is not None, linear.weight.detach()
    small = bnb.nn.Linear4bit(linear.in_features, linear.out_features, bias=biased, quant_type="nf4")
    small.weight = bnb.nn.Params4bit(kept.clone(), requires_grad=False, quant_type="nf4", module=small)
    # at its first answer on some CPUs the library would round the scales further and lay the bits out anew, for good:
    # training after an evaluation then had no gradient, and what a model says would hang on what was asked before
    small.support_avx512bf16_for_cpu = False
    if biased:
        small.bias = linear.bias
    return small.to(kept.device)  # the move is what quantises


def large(small: Any) -> nn.Linear:
    """A 4-bit map as an ordinary one in float32, with the numbers for which its 4 bits stand."""
    matrix = dense(small).float()
    linear = nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, device="meta")
    linear.weight = nn.Parameter(matrix, requires_grad=False)
    linear.bias = small.bias
    return linear
