"""Attention under a mask of blocks: what no token sees is not computed, and no table of all pairs exists.

Torch's flex attention (Dong et al. 2024, arXiv 2412.05496) is compiled for a GPU at its first call and takes any length
after that.  On a CPU it computes forward only; there `packing.Packed.blocks` is the mask, and this module is what tests
compare with it.

Axes: H heads, K heads of keys (H is a multiple of K), N tokens, D features of a head.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from tunesmith.nn.packing import BLOCK, Packed


def mask(packed: Packed) -> BlockMask:
    """Which blocks of a sequence are computed, and which pairs of tokens in the blocks that are seen in part."""
    length, device = len(packed.documents), packed.documents.device
    return create_block_mask(packed.sees, None, None, length, length, device=device, BLOCK_SIZE=BLOCK)


def attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, blocks: BlockMask, scaling: float | None
) -> torch.Tensor:
    """[1, N, H, D] from query [1, H, N, D], key and value [1, K, N, D]."""
    groups = query.shape[1] // key.shape[1]
    if groups & (groups - 1):  # the kernel shares keys among 2, 4, 8 … heads only
        key, value = (each.repeat_interleave(groups, dim=1) for each in (key, value))
    compute = (
        _compiled() if query.device.type == "cuda" and not torch.compiler.is_compiling() else flex_attention
    )
    shared = query.shape[1] != key.shape[1]
    read: Any = compute(query, key, value, block_mask=blocks, scale=scaling, enable_gqa=shared)
    return read.transpose(1, 2)


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention, dynamic=True)
