"""Products with frozen matrices in 8 bits, which processors with VNNI or AMX do several times faster than in float32.

Each row of inputs is rounded to 255 levels between ± its largest element, each row of the matrix likewise, and the
products are summed exactly in 32 bits (vector-wise scaling: Dettmers et al. 2022, arXiv 2208.07339).  Gradients of
inputs are computed so too; what moves (a low-rank path, a norm) is computed in float32.  A product is off by about 1 %
of its length.

Axes: N tokens, I inputs, O outputs, R rank.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from tunesmith.nn import passes

LEVELS = 127
LEAST = 1e-30  # a row of zeros has some scale too
BESIDE = "in_8_bits"
_SHIFT = torch.tensor(1.5 * 2.0**23)


class Small:
    """A matrix [O, I] in 8 bits: codes int8 [O, I], scales float32 [O]."""

    __slots__ = ("codes", "scales")

    def __init__(self, codes_OI: torch.Tensor, scales_O: torch.Tensor) -> None:
        self.codes, self.scales = codes_OI, scales_O

    def times(self, x_NI: torch.Tensor) -> torch.Tensor:
        """x Wᵀ [N, O] in float32."""
        codes_NI, scales_N1 = _LAST.rounded(x_NI)
        return scaled(torch._int_mm(codes_NI, self.codes.T), scales_N1, self.scales)  # pyright: ignore[reportPrivateImportUsage]

    def back(self, grad_NO: torch.Tensor) -> torch.Tensor:
        """g W [N, I] in float32: the matrix's scales join the gradient before that is rounded."""
        codes_NO, scales_N1 = rounded(grad_NO, self.scales)
        return scaled(torch._int_mm(codes_NO, self.codes), scales_N1)  # pyright: ignore[reportPrivateImportUsage]

    def dense(self) -> torch.Tensor:
        """The numbers for which the codes stand, float32 [O, I]."""
        return self.codes.float().mul_(self.scales[:, None])


def rounded(x_NI: torch.Tensor, by_I: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """(codes int8 [N, I], scales float32 [N, 1]): x, times `by` where given, ≈ codes · scales."""
    if passes.suits(x_NI):
        return passes.round_rows(x_NI, by_I)
    x_NI = x_NI if by_I is None else x_NI * by_I
    largest_N1 = torch.maximum(x_NI.amax(1, keepdim=True), x_NI.amin(1, keepdim=True).neg_())
    scales_N1 = largest_N1.clamp_(min=LEAST).div_(LEVELS).float()
    moved_NI = torch.addcmul(_SHIFT, x_NI, scales_N1.reciprocal())
    # a float32 near 1.5 · 2²³ has no fraction left, and its lowest byte is the whole number that was added
    return moved_NI.view(torch.int32).to(torch.int8), scales_N1


def scaled(sums_NO: torch.Tensor, scales_N1: torch.Tensor, by_O: torch.Tensor | None = None) -> torch.Tensor:
    """sums · by · scales in float32; the sums (int32) are used up."""
    if passes.ready():
        return passes.scale_sums(sums_NO, by_O, scales_N1)
    found_NO = sums_NO.float().mul_(scales_N1)
    return found_NO if by_O is None else found_NO.mul_(by_O)


def small(weight_OI: torch.Tensor) -> Small:
    """A matrix in 8 bits."""
    codes, scales = rounded(weight_OI.detach())
    return Small(codes, scales[:, 0])


class _Last(threading.local):
    """The inputs that were rounded last: what queries, keys and values read is the same tensor."""

    seen: Any = None
    place: tuple[Any, ...] = ()
    found: Any = None

    def rounded(self, x_NI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if x_NI.is_inference():  # such tensors don't tell whether they were overwritten
            return rounded(x_NI)
        owner = x_NI if x_NI._base is None else x_NI._base
        place = (x_NI.data_ptr(), x_NI.shape, x_NI.stride(), x_NI._version)
        if self.seen is None or self.seen() is not owner or self.place != place:
            self.found = rounded(x_NI)
            self.seen, self.place = weakref.ref(owner), place
        return self.found


_LAST = _Last()


# ---- products with gradients ------------------------------------------------------------------------------------


def product(
    x: torch.Tensor,
    matrix: Small,
    bias_O: torch.Tensor | None = None,
    down_RI: torch.Tensor | None = None,
    up_OR: torch.Tensor | None = None,
    scale: float = 1.0,
) -> torch.Tensor:
    """x (W + scale · up · down)ᵀ + bias [..., O]; the low-rank path is computed in float32 (see `low_rank.product`)."""
    return _Product.apply(x, matrix, bias_O, down_RI, up_OR, scale)  # type: ignore[return-value]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        matrix: Small,
        bias_O: torch.Tensor | None,
        down_RI: torch.Tensor | None,
        up_OR: torch.Tensor | None,
        scale: float,
    ) -> torch.Tensor:
        rows_NI = x.reshape(-1, x.shape[-1])
        found_NO = matrix.times(rows_NI)
        if bias_O is not None:
            found_NO.add_(bias_O)
        low_NR = None
        if down_RI is not None and up_OR is not None:
            low_NR = rows_NI @ down_RI.T
            found_NO.addmm_(low_NR, up_OR.T, alpha=scale)
        ctx.save_for_backward(None if low_NR is None else x, low_NR, down_RI, up_OR)
        ctx.matrix, ctx.scale = matrix, scale
        return found_NO.view(*x.shape[:-1], found_NO.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, low_NR, down_RI, up_OR = ctx.saved_tensors
        grad_NO = grads[0].reshape(-1, grads[0].shape[-1])
        back_NI = ctx.matrix.back(grad_NO) if ctx.needs_input_grad[0] else None
        down = up = None
        if low_NR is not None:
            low_grad_NR = (grad_NO @ up_OR).mul_(ctx.scale)
            up = (low_NR.T @ grad_NO).mul_(ctx.scale).T if ctx.needs_input_grad[4] else None
            down = low_grad_NR.T @ x.reshape(-1, x.shape[-1]) if ctx.needs_input_grad[3] else None
            back_NI = None if back_NI is None else back_NI.addmm_(low_grad_NR, down_RI)
        back = None if back_NI is None else back_NI.view(*grads[0].shape[:-1], -1)
        return back, None, None, down, up, None


# ---- modules ----------------------------------------------------------------------------------------------------


class Frozen(nn.Linear):
    """A linear map that stays as it is: only its 8 bits are kept.  `weight` holds the codes, `scales` is a buffer."""

    scales: torch.Tensor

    @property
    def matrix(self) -> Small:
        return Small(self.weight, self.scales)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return product(input, self.matrix, self.bias)


def narrow(layers: Iterable[nn.Module]) -> int:
    """Let every plain linear map in the layers that stays as it is compute in 8 bits; return how many do.

    One whose rows' lengths are learnt (DoRA) is left: its wrapper reads the numbers themselves.
    """
    modules = [module for layer in layers for module in layer.modules()]
    read = {id(m.base_layer) for m in modules if len(getattr(m, "lora_magnitude_vector", ()))}
    found = {id(m): m for m in modules if type(m) is nn.Linear and id(m) not in read}
    still = [module for module in found.values() if not module.weight.requires_grad]
    for module in still:
        matrix = small(module.weight)
        module.__class__ = Frozen
        module.weight = nn.Parameter(matrix.codes, requires_grad=False)
        module.register_buffer("scales", matrix.scales)
    return len(still)


def keep_beside(matrix: Any) -> bool:
    """Keep a frozen matrix's 8 bits beside its numbers, for products of which gradients want the numbers themselves;
    whether it is such."""
    suits = (
        type(matrix) is nn.Linear and not matrix.weight.requires_grad and matrix.weight.dtype is torch.float32
    )
    matrix.__dict__[BESIDE] = small(matrix.weight) if suits else None
    return suits


def beside(matrix: nn.Module) -> Small | None:
    """What `keep_beside` has left there."""
    return matrix.__dict__.get(BESIDE)
