"""Where a network computes, and how tensors get there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


def of(net: nn.Module) -> torch.device:
    """Where the first of a network's numbers lies; the CPU for one without numbers."""
    return next((p.device for p in net.parameters()), torch.device("cpu"))


def moved(tensors: Mapping[str, Any], net: nn.Module) -> dict[str, Any]:
    """The tensors of a mapping, and of mappings in it, beside a network's numbers; all else stays as it is."""
    place = of(net)
    return {name: _moved(value, place) for name, value in tensors.items()}


def _moved(value: Any, place: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(place, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: _moved(each, place) for name, each in value.items()}
    return value
