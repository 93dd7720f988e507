"""Diagonal Fisher information: how much a log-likelihood tells of each weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


def zeros(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """An empty sum for `add`, in float32."""
    return {name: torch.zeros_like(tensor, dtype=torch.float32) for name, tensor in tensors.items()}


def add(sums: Mapping[str, torch.Tensor], nll: torch.Tensor, tensors: Mapping[str, torch.Tensor]) -> None:
    """Add the squared gradient of one sample's negative log-likelihood.

    One sample at a time: the square of a sum over samples is not the sum of their squares.
    """
    found = torch.autograd.grad(nll, list(tensors.values()), allow_unused=True)
    for total, gradient in zip((sums[name] for name in tensors), found, strict=True):
        if gradient is not None:
            total += gradient.float().square()


@contextmanager
def watched(tensors: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Gradients flow to these tensors inside, whether they move or not."""
    before = {name: tensor.requires_grad for name, tensor in tensors.items()}
    for tensor in tensors.values():
        tensor.requires_grad_(True)
    try:
        yield
    finally:
        for name, tensor in tensors.items():
            tensor.requires_grad_(before[name])
