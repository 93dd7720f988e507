"""A layer of BERT's kind as one step of autograd: fewer passes over activations, none over padding.

Matrix products take two thirds of a small encoder's step and are at the processor's peak; what can be saved lies around
them.  Here padding is left out of everything but the attention's scores, one gather both divides the heads and puts the
padding back, the three inputs' gradients add up inside their products, and what follows a product is done in its place.
Forward and backward are written out, so no gradient of this gradient can be asked for.

Axes: B rows, T tokens of the longest, N real tokens, D features, H heads, I features inside.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.nn import dropping
from tunesmith.nn.after_products import Normed, bend, bend_back, norm, norm_back

FAMILIES = ("BertLayer", "ElectraLayer")  # their layers are the same but for their names
ATEN = torch.ops.aten


class Shape(NamedTuple):
    """What a layer computes with besides tensors: heads, shares of dropout, the norms' epsilons."""

    heads: int
    scale: float
    drops: tuple[float, float, float]  # of attention weights, after attention, after what follows it
    epsilons: tuple[float, float]


def quicken(net: nn.Module) -> None:
    """Let every layer that this module knows compute so where it is trained."""
    for module in net.modules():
        if type(module).__name__ in FAMILIES:
            module.__class__ = _quick(type(module))


@cache
def _quick(kind: Any) -> Any:
    """The family's layer; where it can't be computed here the family's own forward is taken."""

    def forward(self: Any, hidden_states: Any, attention_mask: Any = None, *rest: Any, **options: Any) -> Any:
        others = (*rest, options.get("encoder_hidden_states"), options.get("past_key_values"))
        if all(each is None for each in others) and able(self, hidden_states, attention_mask):
            return computed(self, hidden_states, attention_mask)
        return kind.forward(self, hidden_states, attention_mask, *rest, **options)

    return type(f"Quick{kind.__name__}", (kind,), {"forward": forward})


def able(layer: Any, hidden_BTD: torch.Tensor, mask: Any) -> bool:
    """Whether the layer is trained as a whole, in float32 on a CPU, is what its family makes it, and the mask says no
    more than which tokens are padding."""
    trained = layer.training and torch.is_grad_enabled() and not torch.compiler.is_compiling()
    if not trained or hidden_BTD.device.type != "cpu":
        return False
    if layer.is_decoder or hidden_BTD.dtype != torch.float32 or not _padding_alone(mask):
        return False
    return _plain(layer) and all(p.requires_grad and p.dtype == torch.float32 for p in layer.parameters())


def _padding_alone(mask: Any) -> bool:
    """Nothing, or numbers to add [B, 1, T, T] that are the same for every token that looks."""
    if mask is None:
        return True
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.float32 or mask.shape[1] != 1:
        return False
    return mask.stride(-2) == 0 or bool((mask == mask[:, :, :1]).all())


def _plain(layer: Any) -> bool:
    """Whether nothing was put in the place of the layer's own parts, or hangs on them."""
    inner, out = layer.attention.self, layer.attention.output
    linears = (inner.query, inner.key, inner.value, out.dense, layer.intermediate.dense, layer.output.dense)
    norms = (out.LayerNorm, layer.output.LayerNorm)
    watched = (layer.attention, out, layer.intermediate, layer.output, *linears, *norms)
    return (
        all(type(each) is nn.Linear and each.bias is not None for each in linears)
        and all(type(each) is nn.LayerNorm for each in norms)
        and type(layer.intermediate.intermediate_act_fn).__name__ == "GELUActivation"
        and layer.intermediate.intermediate_act_fn.act is F.gelu
        and not any(each._forward_hooks or each._forward_pre_hooks for each in watched)
    )


def computed(layer: Any, hidden_BTD: torch.Tensor, mask_B1TT: torch.Tensor | None) -> torch.Tensor:
    """What the layer makes of its states [B, T, D]; where padding is, zeros."""
    inner, out = layer.attention.self, layer.attention.output
    parts = (inner.query, inner.key, inner.value, out.dense, out.LayerNorm)
    parts += (layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm)
    shape = Shape(
        inner.num_attention_heads,
        inner.scaling,
        (inner.dropout.p, out.dropout.p, layer.output.dropout.p),
        (out.LayerNorm.eps, layer.output.LayerNorm.eps),
    )
    tensors = [tensor for part in parts for tensor in (part.weight, part.bias)]
    return _Layer.apply(hidden_BTD, mask_B1TT, shape, *tensors)  # pyright: ignore[reportReturnType]


class Places(NamedTuple):
    """Where the real tokens stand: flat [N] in B·T; heads [3·H·B·T]: the row of the packed products, taken as rows of a
    head's features, that stands at (query, key or value; head; row; token), padding at a row of zeros; back [N·3·H]:
    the other way."""

    flat: torch.Tensor
    heads: torch.Tensor
    back: torch.Tensor


def places(real_BT: torch.Tensor, heads: int) -> Places:
    """Of real tokens, bool [B, T]."""
    flat = real_BT.reshape(-1).nonzero()[:, 0]
    count, total = len(flat), real_BT.numel()
    row = torch.full((total,), count).index_copy_(0, flat, torch.arange(count))
    part = torch.arange(3 * heads)
    to = (row[None, :] * (3 * heads) + part[:, None]).reshape(-1)
    back = (flat[:, None] + part[None, :] * total).reshape(-1)
    return Places(flat, to, back)


class _Layer(torch.autograd.Function):
    """The layer; saved for the gradient are its products and masks, of real tokens alone."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, mask: Any, shape: Shape, *weights: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        (B, T, D), H = hidden.shape, shape.heads
        real = torch.ones(B, T, dtype=torch.bool) if mask is None else mask[:, 0, 0] == 0
        at = places(real, H)
        wq, bq, wk, bk, wv, bv, wo, bo, g1, c1, wi, bi, wd, bd, g2, c2 = weights
        x_ND = hidden.reshape(B * T, D).index_select(0, at.flat)
        N = len(x_ND)
        products = x_ND.new_empty(N + 1, 3 * D)
        products[N] = 0.0  # what stands in the place of padding
        together = torch.cat([wq, wk, wv])
        torch.addmm(torch.cat([bq, bk, bv]), x_ND, together.t(), out=products[:N])
        qkv = products.view(-1, D // H).index_select(0, at.heads).view(3, H * B, T, D // H)
        scores = _scores(qkv[0], qkv[1].transpose(1, 2), mask, shape.scale)
        chances = scores.softmax(-1)
        drop = dropping.mask(chances.shape, shape.drops[0], x_ND.dtype) if shape.drops[0] else None
        kept = chances if drop is None else chances * drop
        read = (
            torch.bmm(kept, qkv[2])
            .view(-1, D // H)
            .index_select(0, at.back.view(N, 3 * H)[:, :H].reshape(-1))
        )
        read = read.view(N, D)
        y, first = norm(read @ wo.t(), bo, x_ND, g1, c1, shape.drops[1], shape.epsilons[0])
        bent, inside = bend(y @ wi.t(), bi)
        z, second = norm(bent @ wd.t(), bd, y, g2, c2, shape.drops[2], shape.epsilons[1])
        ctx.shape, ctx.at, ctx.size = shape, at, (B, T, D, N)
        ctx.told = first.told, second.told
        kept_back = (x_ND, qkv, chances, kept, drop, read, y, inside, bent)
        ctx.save_for_backward(*kept_back, *first.tensors, *second.tensors, *weights)
        return z.new_zeros(B * T, D).index_copy_(0, at.flat, z).view(B, T, D)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        shape, at, (B, T, D, N) = ctx.shape, ctx.at, ctx.size
        x, qkv, chances, kept, drop, read, y, inside, bent, s1, m1, i1, d1, s2, m2, i2, d2, *weights = (
            ctx.saved_tensors
        )
        first, second = Normed(s1, m1, i1, d1, ctx.told[0]), Normed(s2, m2, i2, d2, ctx.told[1])
        wq, _, wk, _, wv, _, wo, _, g1, c1, wi, _, wd, _, g2, c2 = weights
        together = torch.cat([wq, wk, wv])
        given = gradient.reshape(B * T, D).index_select(0, at.flat)
        dy, d, (dg2, dc2, dbd) = norm_back(given, second, g2, c2)
        dwd, di = d.t() @ bent, d @ wd
        dbi = bend_back(di, inside)
        dwi = di.t() @ y
        dy.addmm_(di, wi)
        dx, d, (dg1, dc1, dbo) = norm_back(dy, first, g1, c1)
        dwo = d.t() @ read
        dread = x.new_empty(N + 1, D)
        dread[N] = 0.0
        torch.mm(d, wo, out=dread[:N])
        products = _attention_back(dread, qkv, chances, kept, drop, at, shape)
        dx.addmm_(products, together)
        dws = [
            t
            for pair in zip((products.t() @ x).split(D), products.sum(0).split(D), strict=True)
            for t in pair
        ]
        back = dx.new_zeros(B * T, D).index_copy_(0, at.flat, dx).view(B, T, D)
        return back, None, None, *dws, dwo, dbo, dg1, dc1, dwi, dbi, dwd, dbd, dg2, dc2


def _attention_back(
    dread: torch.Tensor,
    qkv: torch.Tensor,
    chances: torch.Tensor,
    kept: torch.Tensor,
    drop: Any,
    at: Places,
    shape: Shape,
) -> torch.Tensor:
    """Gradient of the packed products [N, 3·D] from that of what was read [N + 1, D], whose last row is zero."""
    H, width = shape.heads, qkv.shape[-1]
    row = at.heads.view(3 * H, -1)[0] // (3 * H)
    to = (row[None, :] * H + torch.arange(H)[:, None]).reshape(-1)
    spread = dread.view(-1, width).index_select(0, to).view(qkv.shape[1:])
    dkept = torch.bmm(spread, qkv[2].transpose(1, 2))
    if drop is not None:
        dkept.mul_(drop)
    dqkv = torch.empty_like(qkv)
    torch.bmm(kept.transpose(1, 2), spread, out=dqkv[2])
    dscores = ATEN._softmax_backward_data(dkept, chances, -1, chances.dtype)
    torch.baddbmm(dqkv[0], dscores, qkv[1], beta=0, alpha=shape.scale, out=dqkv[0])
    torch.baddbmm(dqkv[1], dscores.transpose(1, 2), qkv[0], beta=0, alpha=shape.scale, out=dqkv[1])
    return dqkv.view(-1, width).index_select(0, at.back).view(len(dread) - 1, -1)


def _scores(
    queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> torch.Tensor:
    """scale · queries · keys + mask [H·B, T, T]."""
    T = keys.shape[-1]
    if mask is None:
        scores = queries.new_empty(len(queries), T, T)
        return torch.baddbmm(scores, queries, keys, beta=0, alpha=scale, out=scores)
    heads = len(queries) // len(mask)
    scores = mask[None, :, 0].expand(heads, -1, T, T).reshape(-1, T, T)
    return scores.baddbmm_(queries, keys, alpha=scale)
