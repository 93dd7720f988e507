"""What follows an encoder's matrix products: dropout, addition and layer norm; bias and GELU.  With their gradients.

In one pass each by `passes.py` where there is a library, else by torch.  What a function needs for its gradient it
works out in the memory of the product that it is given.

Axes: N tokens, D features.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from tunesmith.nn import dropping, passes

ATEN = torch.ops.aten


class Normed(NamedTuple):
    """What the gradient of `norm` needs: the sums before the norm [N, D], their mean and 1 ÷ spread, and the dropout: a
    mask [N, D], or as `passes` tells it."""

    sums: torch.Tensor
    mean: torch.Tensor
    inverse: torch.Tensor
    mask: torch.Tensor | None
    told: passes.Drop | None

    @property
    def tensors(self) -> tuple[torch.Tensor | None, ...]:
        """All but what is told."""
        return self[:4]


def norm(
    product_ND: torch.Tensor,
    bias_D: torch.Tensor,
    beside_ND: torch.Tensor,
    weight_D: torch.Tensor,
    shift_D: torch.Tensor,
    share: float,
    epsilon: float,
) -> tuple[torch.Tensor, Normed]:
    """The layer norm of dropout(product + bias) + beside; share: of elements that are dropped."""
    if passes.suits(product_ND, beside_ND):
        told = dropping.told(share)
        given = (product_ND, bias_D, beside_ND, weight_D, shift_D, told, epsilon)
        y_ND, mean, inverse = passes.drop_add_norm(*given)
        return y_ND, Normed(product_ND, mean, inverse, None, told)
    drop = dropping.mask(product_ND.shape, share, product_ND.dtype) if share else None
    sums_ND = product_ND.add_(bias_D)
    sums_ND = (sums_ND if drop is None else sums_ND.mul_(drop)).add_(beside_ND)
    y_ND, mean, inverse = torch.native_layer_norm(sums_ND, [sums_ND.shape[1]], weight_D, shift_D, epsilon)
    return y_ND, Normed(sums_ND, mean, inverse, drop, None)


def norm_back(
    grad_ND: torch.Tensor, kept: Normed, weight_D: torch.Tensor, shift_D: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Gradients by what stood beside, by the product, and by (weight, shift, bias)."""
    if kept.told is not None:
        return passes.drop_add_norm_back(grad_ND, kept.sums, weight_D, kept.mean, kept.inverse, kept.told)
    beside_ND, by_weight, by_shift = ATEN.native_layer_norm_backward(
        grad_ND, kept.sums, [grad_ND.shape[1]], kept.mean, kept.inverse, weight_D, shift_D, [True] * 3
    )
    product_ND = beside_ND if kept.mask is None else beside_ND * kept.mask
    return beside_ND, product_ND, (by_weight, by_shift, product_ND.sum(0))


def bend(product_ND: torch.Tensor, bias_D: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(GELU of product + bias, product + bias)."""
    if passes.suits(product_ND):
        return passes.gelu(product_ND, bias_D), product_ND
    inside_ND = product_ND.add_(bias_D)
    return F.gelu(inside_ND), inside_ND


def bend_back(grad_ND: torch.Tensor, inside_ND: torch.Tensor) -> torch.Tensor:
    """The gradient by the bias; the gradient given becomes that by the product."""
    if passes.suits(grad_ND, inside_ND):
        return passes.gelu_back(grad_ND, inside_ND)
    ATEN.gelu_backward.grad_input(grad_ND, inside_ND, approximate="none", grad_input=grad_ND)
    return grad_ND.sum(0)
