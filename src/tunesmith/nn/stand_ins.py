"""A network asked with other tensors in the place of some of its own, none of which is written to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn


class _Asked(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, question: Callable[[Any], Any]) -> Any:
        return question(self.net)


def ask(net: nn.Module, tensors: Mapping[str, torch.Tensor], question: Callable[[Any], Any]) -> Any:
    """What `question(net)` gives while these tensors stand where parameters of the same names do.

    Tensors that a net holds under two names (tied weights) are replaced under both.
    """
    named = {f"net.{name}": tensor for name, tensor in tensors.items()}
    return torch.func.functional_call(_Asked(net), named, (question,))
