"""Attention of decoders by whichever kernel is the faster one for the length at hand.

Rows that stand packed in one sequence (`packing.py`) are kept apart by flex attention on a GPU.

On a CPU the fused kernel has a price per call in bfloat16 that short sequences feel: forward and backward of 2,048
tokens, 8 heads of 64, one thread, took 83 ms fused against 17 ms as two plain products at 32 tokens a row, 105 against
41 at 128, 108 against 90 at 256.  For longer rows, in float32 (where it was never the slower one) and on other devices
the fused kernel is taken, which also never holds the scores of all pairs of tokens.  The choice is made call by call,
so threads may share a network.

Axes: B rows, H heads, K heads of keys (H is a multiple of K), T queries, S keys, D features of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from tunesmith.nn import dropping, flex
from tunesmith.nn.packing import Packed

NAME, PLAIN = "by_length", "plain_products"
SHORT = {torch.bfloat16: 256}  # tokens of a row up to which plain products are the faster ones on a CPU


def choose(backbone: Any) -> None:
    """Give a model this attention; its family's own where the fused kernel does not know all that the family does."""
    kind = type(backbone)
    fits = kind._supports_sdpa and kind._can_set_attn_implementation()
    backbone.set_attn_implementation(NAME if fits else "eager")


def choose_plain(backbone: Any) -> None:
    """Give an encoder plain products at every length; its family's own where these do not know all that it does."""
    kind = type(backbone)
    fits = kind._supports_sdpa and kind._can_set_attn_implementation()
    backbone.set_attn_implementation(PLAIN if fits else "eager")


def plain(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """The attention of one layer as two products [B, T, H, D]; the mask holds numbers to add."""
    scaling = options.get("scaling") or query.shape[-1] ** -0.5
    share = options.get("dropout", 0.0) if module.training else 0.0
    return _plain(query * scaling, key, value, attention_mask, share), None


def to_add(blocks: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to attention scores [B, 1, T, S] for a table of who sees whom, bool [B, T, S]: 0 where a token may
    be seen, else the least number."""
    least = torch.finfo(dtype).min
    return torch.zeros(blocks.shape, dtype=dtype, device=blocks.device).masked_fill_(~blocks, least)[:, None]


def under(packed: Packed, dtype: torch.dtype) -> Any:
    """The mask of rows in one sequence: of blocks on a GPU, else the table of all pairs as numbers to add."""
    on_gpu = packed.documents.device.type == "cuda"
    return flex.mask(packed) if on_gpu else to_add(packed.blocks(), dtype)


def by_length(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """The attention of one layer [B, T, H, D].

    A mask of numbers on a short sequence asks for plain products, a mask of blocks for flex attention.  Raises
    ValueError where flex attention is asked to drop weights.
    """
    if attention_mask is not None and not isinstance(attention_mask, torch.Tensor):
        if options.get("dropout", 0.0) and module.training:
            raise ValueError("attention under a mask of blocks has no dropout")
        return flex.attention(query, key, value, attention_mask, options.get("scaling")), None
    added = attention_mask is not None and attention_mask.is_floating_point()
    short = _is_short(query.shape[2], key.shape[2], query.dtype, query.device)
    if not (added and short) or options.get("position_bias") is not None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    return plain(module, query, key, value, attention_mask, **options)


def _plain(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, dropout: float
) -> torch.Tensor:
    (B, H, T, _), (_, K, S, _) = query.shape, key.shape
    # heads that share their keys stand below one another, so keys are not repeated
    scores = torch.bmm(query.reshape(B * K, H // K * T, -1), key.reshape(B * K, S, -1).transpose(1, 2))
    scores = scores.view(B, H, T, S)
    weights = dropping.dropout((scores if mask is None else scores.add_(mask)).softmax(-1), dropout)
    read = torch.bmm(weights.view(B * K, H // K * T, S), value.reshape(B * K, S, -1))
    return read.view(B, H, T, -1).transpose(1, 2)


def _is_short(queries: int, keys: int, dtype: torch.dtype, device: Any) -> bool:
    return torch.device(device).type == "cpu" and queries * keys <= SHORT.get(dtype, 0) ** 2


def _mask(*, q_length: int, kv_length: int, **options: Any) -> torch.Tensor | None:
    """Numbers to add for a short sequence; for a long one booleans, or nothing where it is simply causal."""
    short = _is_short(q_length, kv_length, options.get("dtype", torch.float32), options.get("device", "cpu"))
    return (eager_mask if short else sdpa_mask)(q_length=q_length, kv_length=kv_length, **options)


AttentionInterface.register(NAME, by_length)
AttentionMaskInterface.register(NAME, _mask)
AttentionInterface.register(PLAIN, plain)
AttentionMaskInterface.register(PLAIN, eager_mask)
