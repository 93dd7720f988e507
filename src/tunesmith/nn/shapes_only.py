"""Quick answers on the meta device, where a network is built that gets its numbers from a file.

torch answers many questions about tensors that hold nothing by decompositions in Python, for which it loads sympy and
its compiler: 2 s of processor time.  What building a network asks is answered here by the shape alone; the rest is
torch's.
"""

from __future__ import annotations

from numbers import Number
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# what fills a tensor with random numbers; torch asks a mode about the functions of `nn.init` as a whole
RANDOM = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    nn.init.normal_,
    nn.init.uniform_,
    nn.init.kaiming_uniform_,
}
# what keeps shape and type of floating numbers where the other operand is a number: rates of rotary positions
ARITHMETIC = {
    torch.Tensor.div,
    torch.Tensor.mul,
    torch.Tensor.pow,
    torch.Tensor.reciprocal,
    getattr(torch.Tensor, "__rdiv__", None),
    getattr(torch.Tensor, "__rpow__", None),
}


class ShapesOnly(TorchFunctionMode):
    """To be entered before `torch.device("meta")`."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func is torch.arange and str(named.get("device")) == "meta":
            return torch.arange(*args, **{**named, "device": "cpu"}).to("meta")
        tensor = args[0] if args else named.get("tensor")
        if isinstance(tensor, torch.Tensor) and tensor.is_meta:
            if func in RANDOM:
                return tensor
            if func is torch.empty_like and set(named) <= {"device", "dtype"}:
                return torch.empty(tensor.shape, **{"device": "meta", "dtype": tensor.dtype, **named})
            if func in ARITHMETIC and tensor.is_floating_point() and not named and _numbers(args[1:]):
                return torch.empty(tensor.shape, device="meta", dtype=tensor.dtype)
        return func(*args, **named)


def _numbers(operands: Any) -> bool:
    return all(isinstance(operand, Number) and not isinstance(operand, complex) for operand in operands)
