"""Cross-entropy of one chunk of logits with its gradient in one pass over memory, compiled for a GPU.

`token_loss.py` computes the same with eight passes that each read and write the chunk; on a GPU these take longer than
the products around them.  The gradient is formed while the logits are at hand, as there.

Axes: C rows of the chunk, V words of the vocabulary.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

DEVICES = ("cuda",)


def suits(products: Tensor) -> bool:
    """Whether the compiled pass is the one to take for tensors like this one."""
    return products.device.type in DEVICES


def chunk(
    products_CV: Tensor,
    targets_C: Tensor,
    weights_C: Tensor,
    bias: Tensor | None,
    scale: float,
    cap: float | None,
) -> tuple[Tensor, Tensor]:
    """(Σ weight · −log P(target), its gradient by the products [C, V] in their own type).

    products: of states and output matrix; logits are cap · tanh(scale · (products + bias) / cap).  The sum is float32
    at least.
    """
    return _compiled()(products_CV, targets_C, weights_C, bias, scale, cap)


def computed(
    products_CV: Tensor,
    targets_C: Tensor,
    weights_C: Tensor,
    bias: Tensor | None,
    scale: float,
    cap: float | None,
) -> tuple[Tensor, Tensor]:
    """What `chunk` compiles."""
    wide = products_CV.to(torch.promote_types(products_CV.dtype, torch.float32))
    raw = wide if bias is None else wide + bias.to(wide.dtype)
    logits = scale * raw
    if cap is not None:
        logits = cap * torch.tanh(logits / cap)
    weights_C1 = weights_C[:, None].to(wide.dtype)
    own = logits.gather(1, targets_C[:, None])
    total_C1 = logits.logsumexp(1, keepdim=True)
    chosen_CV = torch.arange(logits.shape[1], device=logits.device) == targets_C[:, None]
    slopes = weights_C1 * (torch.exp(logits - total_C1) - chosen_CV.to(wide.dtype)) * scale
    if cap is not None:
        slopes = slopes * (1.0 - (logits / cap).square())
    return (weights_C1 * (total_C1 - own)).sum(), slopes.to(products_CV.dtype)


@cache
def _compiled() -> Any:
    return torch.compile(computed, dynamic=True)
