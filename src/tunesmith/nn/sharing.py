"""Networks that share tensors: one base in memory under many adapters."""

from __future__ import annotations

import copy
from itertools import chain
from typing import Any

import torch
from torch import nn


def twin(net: Any) -> Any:
    """The same network once more: modules and parameters of its own, the numbers of all tensors shared."""
    shared = {id(tensor): _alias(tensor) for tensor in chain(net.parameters(), net.buffers())}
    return copy.deepcopy(net, shared)


def _alias(tensor: torch.Tensor) -> torch.Tensor:
    """A parameter that may move or not whatever the other does; buffers and quantised matrices never move."""
    if type(tensor) is not nn.Parameter:
        return tensor
    return nn.Parameter(tensor.detach(), requires_grad=tensor.requires_grad)


def part(net: nn.Module, other: nn.Module) -> None:
    """Give the moving parameters of `net` numbers of their own where `other` has the same in memory."""
    theirs = {p.data_ptr() for p in other.parameters()}
    for p in net.parameters():
        if p.requires_grad and p.data_ptr() in theirs:
            p.data = p.data.clone()
