"""Activations that are computed again: of each layer only its input is kept for the backward pass.

Chen et al. 2016, arXiv 1604.06174.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tunesmith.nn import parameters


def enable(net: Any) -> None:
    """Let every layer that a gradient passes through be computed once more when the gradient comes.

    The second time draws the same dropout.  Layers below the lowest one that moves, and passes without gradients, are
    computed once as before.  Raises ValueError for a net without a stack of layers.
    """
    for layer in parameters.layers(net):
        layer.forward = _again(layer, layer.forward)


def _again(layer: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    def computed(*given: Any, **options: Any) -> Any:
        if not (torch.is_grad_enabled() and _has_gradient(layer, (*given, *options.values()))):
            return forward(*given, **options)
        return checkpoint(forward, *given, use_reentrant=False, preserve_rng_state=True, **options)

    return computed


def _has_gradient(layer: nn.Module, given: tuple[Any, ...]) -> bool:
    """Whether the backward pass reaches this layer."""
    return any(p.requires_grad for p in layer.parameters()) or any(t.requires_grad for t in _tensors(given))


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, (tuple, list)):
        for each in given:
            yield from _tensors(each)
