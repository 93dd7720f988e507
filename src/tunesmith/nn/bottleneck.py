"""A small non-linear map behind a linear one (Houlsby et al. 2019).

Axes: B rows, T tokens, D features, W width of the bottleneck.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Bottleneck(nn.Module):
    """x + up(gelu(down(x))).  It begins as the identity: `up` is zero."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(size, width), nn.Linear(width, size)
        nn.init.normal_(self.down.weight, std=0.02)
        for zeroed in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zeroed)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """[B, T, D]; computed in the bottleneck's own number type, given back in x's."""
        within_BTD = x_BTD.to(self.down.weight.dtype)
        return x_BTD + self.up(nn.functional.gelu(self.down(within_BTD))).to(x_BTD.dtype)


def put_behind(linear: Any, size: int, width: int) -> None:
    """Let a bottleneck read what a linear map of `size` outputs gives.  The map's own tensors keep their names."""
    linear.bottleneck = Bottleneck(size, width).to(next(linear.parameters()).device)
    linear.register_forward_hook(_through)


def _through(linear: Any, _given: Any, out_BTD: torch.Tensor) -> torch.Tensor:
    return linear.bottleneck(out_BTD)
