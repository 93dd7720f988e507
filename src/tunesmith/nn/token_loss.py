"""Log-probabilities of tokens from hidden states, a chunk of rows at a time, so that full logits never exist.

Both functions compute in float32 from the product on (float64 for float64 states).  `logprobs` keeps one number per
token and makes each chunk's logits anew when gradients are asked for; `cross_entropy_sum` knows that its result is a
sum, so it forms the gradient while the logits are at hand and never makes them twice.

On a GPU one compiled pass over each chunk takes the place of several (`fused_loss.py`).

Axes: N tokens, V words of the vocabulary, D features.  The logits are cap · tanh(scale · (h Wᵀ + bias) / cap), without
the tanh where cap is None (Gemma 2's soft-capping, arXiv 2408.00118).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunesmith.nn import fused_loss, int8, passes

LOGITS = 2**24  # numbers of one chunk, 64 MiB
FEWEST = 64  # rows of a chunk: the product with fewer waits for the weights to be read


def rows_at_once(vocabulary: int) -> int:
    """How many rows a chunk has for so many words."""
    return max(FEWEST, LOGITS // max(vocabulary, 1))


def logprobs(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    chunk: int,
    *,
    bias: Tensor | None = None,
    cap: float | None = None,
    scale: float = 1.0,
    small: int8.Small | None = None,
) -> tuple[Tensor, Tensor]:
    """(natural log-probability of each target [N], whether it is the likeliest word, bool [N])."""
    return _Logprobs.apply(hidden_ND, weight_VD, bias, targets_N, chunk, _Shape(scale, cap, small))  # type: ignore[return-value]


def cross_entropy_sum(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    chunk: int,
    *,
    bias: Tensor | None = None,
    cap: float | None = None,
    scale: float = 1.0,
    small: int8.Small | None = None,
) -> Tensor:
    """Σ weights · −log P(target), a scalar.  Its gradient can be asked for once; the weights of tokens have none."""
    live = torch.is_grad_enabled()
    wanted = tuple(live and t is not None and t.requires_grad for t in (hidden_ND, weight_VD, bias))
    return _CrossEntropySum.apply(
        hidden_ND, weight_VD, bias, targets_N, weights_N, chunk, _Shape(scale, cap, small), wanted
    )  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How logits come about: the matrix in 8 bits where it has some, and what stands between the product and them.

    All methods work in place.  Gradients are always those of the matrix itself: most slopes of a row are far smaller
    than its largest, and 8 bits would take them for nothing.
    """

    scale: float
    cap: float | None
    small: int8.Small | None = None

    def logits(self, raw: Tensor) -> Tensor:
        if self.scale != 1.0:
            raw.mul_(self.scale)
        return raw if self.cap is None else raw.div_(self.cap).tanh_().mul_(self.cap)

    def slope(self, logits: Tensor) -> Tensor | None:
        """The derivative of the logits by the product, None where it is 1."""
        if self.cap is None:
            return None if self.scale == 1.0 else logits.new_tensor(self.scale)
        return (logits / self.cap).square_().neg_().add_(1.0).mul_(self.scale)


class _Chunks:
    """The logits of some rows after the others, in one place of memory."""

    def __init__(
        self, hidden_ND: Tensor, weight_VD: Tensor, bias: Tensor | None, chunk: int, shape: _Shape
    ) -> None:
        self.hidden, self.weight, self.shape = hidden_ND, weight_VD, shape
        self.dtype = torch.promote_types(hidden_ND.dtype, torch.float32)
        self.bias = None if bias is None else bias.to(self.dtype)
        self.chunk = max(1, min(chunk, len(hidden_ND)))
        rows = self.chunk if shape.small is None else 0
        self._products = hidden_ND.new_empty(rows, len(weight_VD))
        self._logits = self._products.to(self.dtype)  # the same memory where no wider type is needed

    def __iter__(self) -> Iterator[tuple[slice, Tensor]]:
        for part, products in self.products():
            yield part, self._of(products)

    def products(self) -> Iterator[tuple[slice, Tensor]]:
        """The products alone; each time in the same place of memory, where they are not in 8 bits."""
        for start in range(0, len(self.hidden), self.chunk):
            part = slice(start, min(start + self.chunk, len(self.hidden)))
            yield part, self._product(self.hidden[part])

    def _product(self, hidden_CD: Tensor) -> Tensor:
        if self.shape.small is not None:
            return self.shape.small.times(hidden_CD)
        return torch.mm(hidden_CD, self.weight.T, out=self._products[: len(hidden_CD)])

    def _of(self, products: Tensor) -> Tensor:
        logits = products
        if logits.dtype != self.dtype:
            logits = self._logits[: len(products)].copy_(products)
        if self.bias is not None:
            logits.add_(self.bias)
        return self.shape.logits(logits)


class _Gradients:
    """Sums of gradients over chunks; those that nobody wants are None."""

    def __init__(self, chunks: _Chunks, wanted: tuple[bool, ...], bias: Tensor | None) -> None:
        weight, hidden = chunks.weight, chunks.hidden
        self.hidden = torch.zeros_like(hidden) if wanted[0] else None
        self.weight = torch.zeros_like(weight, dtype=chunks.dtype) if wanted[1] else None
        self.bias = None if bias is None or not wanted[2] else torch.zeros_like(bias, dtype=chunks.dtype)
        self._chunks = chunks

    def add(self, part: slice, slopes_CV: Tensor, chain: Tensor | None) -> None:
        """slopes: of the sum by the logits, overwritten; chain: of the logits by the product."""
        if chain is not None:
            slopes_CV.mul_(chain)
        if self.bias is not None:
            self.bias.add_(slopes_CV.sum(0))
        narrow = slopes_CV.to(self._chunks.hidden.dtype)
        if self.hidden is not None:
            torch.mm(narrow, self._chunks.weight, out=self.hidden[part])
        if self.weight is not None:
            _add_product(self.weight, narrow.T, self._chunks.hidden[part])

    def all(self, weight: Tensor, bias: Tensor | None) -> tuple[Tensor | None, ...]:
        """By states, weight and bias, in their own types."""
        return (
            self.hidden,
            None if self.weight is None else self.weight.to(weight.dtype),
            None if self.bias is None or bias is None else self.bias.to(bias.dtype),
        )


def _add_product(into: Tensor, left: Tensor, right: Tensor) -> None:
    if into.dtype == left.dtype:
        into.addmm_(left, right)
    else:
        into.add_(left @ right)


class _Logprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias: Tensor | None,
        targets_N: Tensor,
        chunk: int,
        shape: _Shape,
    ) -> tuple[Tensor, Tensor]:
        chunks = _Chunks(hidden_ND, weight_VD, bias, chunk, shape)
        own, totals = (torch.empty(len(hidden_ND), dtype=chunks.dtype, device=hidden_ND.device) for _ in "ab")
        right = torch.empty(len(hidden_ND), dtype=torch.bool, device=hidden_ND.device)
        for part, logits in chunks:
            targets = targets_N[part]
            own[part] = logits.gather(1, targets[:, None])[:, 0]
            top = logits.max(1)
            right[part] = top.indices == targets
            totals[part] = logits.sub_(top.values[:, None]).exp_().sum(1).log_().add_(top.values)
        ctx.save_for_backward(hidden_ND, weight_VD, bias, targets_N, totals)
        ctx.chunk, ctx.shape = chunk, shape
        ctx.mark_non_differentiable(right)
        return own.sub_(totals), right

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        hidden_ND, weight_VD, bias, targets_N, totals = ctx.saved_tensors
        chunks = _Chunks(hidden_ND, weight_VD, bias, ctx.chunk, ctx.shape)
        sums = _Gradients(chunks, ctx.needs_input_grad[:3], bias)
        for part, logits in chunks:
            chain, pull = ctx.shape.slope(logits), grads[0][part, None].to(chunks.dtype)
            slopes = logits.sub_(totals[part, None]).exp_().mul_(pull).neg_()
            sums.add(part, slopes.scatter_add_(1, targets_N[part, None], pull), chain)
        return *sums.all(weight_VD, bias), None, None, None


class _CrossEntropySum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias: Tensor | None,
        targets_N: Tensor,
        weights_N: Tensor,
        chunk: int,
        shape: _Shape,
        wanted: tuple[bool, ...],
    ) -> Tensor:
        chunks = _Chunks(hidden_ND, weight_VD, bias, chunk, shape)
        sums = _Gradients(chunks, wanted, bias)
        total = torch.zeros((), dtype=torch.float64, device=hidden_ND.device)
        if fused_loss.suits(hidden_ND) and any(wanted) and not wanted[2]:
            for part, products in chunks.products():
                found, slopes = fused_loss.chunk(
                    products, targets_N[part], weights_N[part], bias, shape.scale, shape.cap
                )
                total += found
                sums.add(part, slopes, None)
            ctx.grads = sums.all(weight_VD, bias)
            return total.to(chunks.dtype)
        for part, logits in chunks:
            weights = weights_N[part].to(chunks.dtype)
            chain = shape.slope(logits) if any(wanted) else None
            total += (weights * _losses(logits, targets_N[part], weights)).sum()
            if any(wanted):
                sums.add(part, logits, chain)
        ctx.grads = sums.all(weight_VD, bias)
        return total.to(chunks.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if ctx.grads is None:
            raise RuntimeError("the gradient of cross_entropy_sum was asked for twice; compute the sum again")
        found, ctx.grads = ctx.grads, None  # scaled in place: a copy of the weight's gradient may not fit
        return *(None if g is None else g.mul_(grads[0]) for g in found), None, None, None, None, None


def _losses(logits_CV: Tensor, targets_C: Tensor, weights_C: Tensor) -> Tensor:
    """−log P(target) [C]; the logits become the gradient of Σ weights · it by the logits."""
    if passes.suits(logits_CV, weights_C):
        return passes.cross_entropy(logits_CV, targets_C, weights_C)
    own_C1, top_C1 = logits_CV.gather(1, targets_C[:, None]), logits_CV.amax(1, keepdim=True)
    parts_C1 = logits_CV.sub_(top_C1).exp_().sum(1, keepdim=True)
    logits_CV.mul_(weights_C[:, None] / parts_C1).scatter_add_(1, targets_C[:, None], -weights_C[:, None])
    return (parts_C1.log_() + top_C1 - own_C1)[:, 0]
