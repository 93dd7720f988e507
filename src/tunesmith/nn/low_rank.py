"""How far low-rank factors move a matrix, and the product of inputs with a matrix that is moved so.

Axes: N tokens, O outputs, I inputs, R rank.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tunesmith.nn import int8


def update(
    down_RI: torch.Tensor,
    up_OR: torch.Tensor,
    scale: float,
    base_OI: torch.Tensor | None = None,
    lengths_O: torch.Tensor | None = None,
) -> torch.Tensor:
    """ΔW [O, I] = scale · up · down (LoRA).

    With the rows' learned lengths, of each row of W + ΔW only the direction counts (DoRA): the base's matrix is needed.
    The gradient is the whole one; peft's own forward holds the norm fixed.
    """
    update_OI = (up_OR @ down_RI) * scale
    if lengths_O is None or base_OI is None:
        return update_OI
    moved_OI = base_OI.to(update_OI.dtype) + update_OI
    return moved_OI * (lengths_O / moved_OI.norm(dim=1))[:, None] - base_OI


def product(
    x: torch.Tensor,
    weight_OI: torch.Tensor,
    bias_O: torch.Tensor | None,
    down_RI: torch.Tensor,
    up_OR: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """x (W + scale · up · down)ᵀ + bias [..., O] for x [..., I]; gradients of x, down and up, none of W and bias.

    The low-rank path is added inside the matrix product, in place: no array of the output's size stands beside the
    output, forward or backward.  Kept for the backward pass: x, and x · downᵀ [N, R].
    """
    return _Product.apply(x, weight_OI, bias_O, down_RI, up_OR, scale)  # type: ignore[return-value]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight_OI: torch.Tensor,
        bias_O: torch.Tensor | None,
        down_RI: torch.Tensor,
        up_OR: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        rows_NI = x.reshape(-1, x.shape[-1])
        low_NR = rows_NI @ down_RI.T
        found_NO = F.linear(rows_NI, weight_OI, bias_O).addmm_(low_NR, up_OR.T, alpha=scale)
        ctx.save_for_backward(x, low_NR, weight_OI, down_RI, up_OR)
        ctx.scale = scale
        return found_NO.view(*x.shape[:-1], len(weight_OI))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, low_NR, weight_OI, down_RI, up_OR = ctx.saved_tensors
        grad_NO = grads[0].reshape(-1, len(weight_OI))
        low_grad_NR = (grad_NO @ up_OR).mul_(ctx.scale)
        wanted = ctx.needs_input_grad
        # the wide factor last: with few rows the product is read along, not across
        up = (low_NR.T @ grad_NO).mul_(ctx.scale).T if wanted[4] else None
        down = low_grad_NR.T @ x.reshape(-1, x.shape[-1]) if wanted[3] else None
        back = (grad_NO @ weight_OI).addmm_(low_grad_NR, down_RI).view(x.shape) if wanted[0] else None
        return back, None, None, down, up, None


def fuse(net: nn.Module, slot: str) -> int:
    """Let peft's plain low-rank wrappers compute by `product`; return how many do.  slot: the adapter's name.

    Plain: a frozen dense matrix, the update alone (no DoRA, no bias of its own), nothing dropped before it.  All else
    keeps peft's own forward, and so does a call that asks for something peculiar.
    """
    layer = import_module("peft.tuners.lora.layer")
    kind = _fused(layer.Linear)
    found = [m for m in net.modules() if type(m) is layer.Linear and _is_plain(m, slot)]
    for module in found:
        module.__class__ = kind
    return len(found)


def _is_plain(module: Any, slot: str) -> bool:
    base = module.get_base_layer()
    dense = type(base) is nn.Linear or type(base).__name__ == "Conv1D"
    kept = isinstance(module.lora_dropout[slot], nn.Identity) and slot not in module.lora_variant
    return dense and kept and not module.lora_bias[slot] and list(module.lora_A) == [slot]


def _fused(kind: Any) -> Any:
    """peft's class of wrappers with a forward of our own; made once, for peft is imported late."""
    if kind not in _CLASSES:
        _CLASSES[kind] = type("LowRankLinear", (kind,), {"forward": _forward, "plain": kind.forward})
    return _CLASSES[kind]


_CLASSES: dict[Any, Any] = {}


def _forward(self: Any, x: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
    base, (slot,) = self.get_base_layer(), tuple(self.lora_A)
    down, up = self.lora_A[slot].weight, self.lora_B[slot].weight
    usual = not given and not named and not self.disable_adapters and not self.merged
    if usual and isinstance(base, int8.Frozen):
        return int8.product(x, base.matrix, base.bias, down, up, self.scaling[slot])
    if not usual or base.weight.requires_grad or x.dtype != down.dtype or base.weight.dtype != down.dtype:
        return self.plain(x, *given, **named)
    weight_OI = base.weight if isinstance(base, nn.Linear) else base.weight.T
    return product(x, weight_OI, base.bias, down, up, self.scaling[slot])
