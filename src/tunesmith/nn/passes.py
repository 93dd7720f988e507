"""Passes over activations that take torch several steps, in one: by the library that was compiled of `passes.c`.

Without the library each function here is refused, and its caller computes by torch.  The results are those of torch but
for rounding; what is rounded to 8 bits is equal to the bit.

Axes: N rows, D numbers of a row.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, NamedTuple

import torch

SOURCE = Path(__file__).with_name("passes.c")
_ARGUMENTS = {  # p: the place of an array, or none; f, u: a number; then rows, width and threads
    "round_rows": "pppp",
    "scale_sums": "ppp",
    "rms_norm": "ppppf",
    "rms_norm_back": "ppppp",
    "swiglu": "ppp",
    "swiglu_back": "ppp",
    "drop_add_norm": "ppppppppuuuff",
    "drop_add_norm_back": "ppppppppuuuf",
    "gelu": "ppp",
    "gelu_back": "ppp",
    "cross_entropy": "pppppp",
}
_KINDS: dict[str, Any] = {"p": ctypes.c_void_p, "f": ctypes.c_float, "u": ctypes.c_uint32}
BLOCK = 64  # rows, as in the source
_USED: list[ctypes.CDLL] = []


def use(library: Path | None, threads: Path | None = None) -> None:
    """Compute by this library from here on, in every thread of the process; None: by torch.

    threads: the OpenMP library whose functions it calls.  Raises OSError for one that can't be loaded, AttributeError
    for one without all passes.
    """
    if threads is not None:
        ctypes.CDLL(str(threads), mode=ctypes.RTLD_GLOBAL)
    _USED[:] = [] if library is None else [_loaded(library)]


def _loaded(library: Path) -> ctypes.CDLL:
    found = ctypes.CDLL(str(library))
    for name, kinds in _ARGUMENTS.items():
        function = getattr(found, name)
        function.argtypes = [*(_KINDS[kind] for kind in kinds), ctypes.c_int64, ctypes.c_int64, ctypes.c_int]
        function.restype = None
    return found


def ready() -> bool:
    """Whether there is a library."""
    return bool(_USED)


def suits(*tensors: torch.Tensor) -> bool:
    """Whether there is a library, and it can read these: float32 on the CPU, without gaps."""
    return ready() and all(
        t.dtype is torch.float32 and t.device.type == "cpu" and t.is_contiguous() for t in tensors
    )


def _run(name: str, like_ND: torch.Tensor, *given: torch.Tensor | float | None) -> None:
    places = [each.data_ptr() if isinstance(each, torch.Tensor) else each for each in given]
    width = like_ND.shape[-1]
    rows = like_ND.numel() // max(width, 1)
    getattr(_USED[0], name)(*places, rows, width, torch.get_num_threads())


def round_rows(x_ND: torch.Tensor, by_D: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """(codes int8 [N, D], scales [N, 1]): x, times `by` where given, ≈ codes · scales."""
    codes, scales = torch.empty_like(x_ND, dtype=torch.int8), x_ND.new_empty(len(x_ND), 1)
    _run("round_rows", x_ND, x_ND, by_D, codes, scales)
    return codes, scales


def scale_sums(sums_ND: torch.Tensor, by_D: torch.Tensor | None, scales_N1: torch.Tensor) -> torch.Tensor:
    """sums · scales · by in float32, in the memory of the sums (int32)."""
    _run("scale_sums", sums_ND, sums_ND, by_D, scales_N1)
    return sums_ND.view(torch.float32)


class RmsNorm(torch.autograd.Function):
    """weight · x / √(mean x² + epsilon) over the last axis; there is no gradient of the weight."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight_D: torch.Tensor, epsilon: float) -> torch.Tensor:
        y, inverse_N = torch.empty_like(x), x.new_empty(x.shape[:-1])
        _run("rms_norm", x, x, weight_D, y, inverse_N, epsilon)
        ctx.save_for_backward(x, weight_D, inverse_N)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight_D, inverse_N = ctx.saved_tensors
        back = torch.empty_like(x)
        _run("rms_norm_back", x, grads[0].contiguous(), x, weight_D, inverse_N, back)
        return back, None, None


class SwiGlu(torch.autograd.Function):
    """gate · sigmoid(gate) · up."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        y = torch.empty_like(gate)
        _run("swiglu", gate, gate, up, y)
        ctx.save_for_backward(gate, up)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        gate, up = ctx.saved_tensors
        # nobody else keeps what goes into a gate: its memory takes the gradients, and none is asked for
        _run("swiglu_back", gate, grads[0].contiguous(), gate, up)
        return gate, up


class Drop(NamedTuple):
    """Dropout that is told, not kept: two seeds of 32 bits, of how many of 65,536 elements, what others grow by."""

    seed: int
    other: int
    dropped: int
    grown: float


def drop_add_norm(
    product_ND: torch.Tensor,
    bias_D: torch.Tensor,
    beside_ND: torch.Tensor,
    weight_D: torch.Tensor,
    shift_D: torch.Tensor,
    drop: Drop,
    epsilon: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(layer norm [N, D], mean [N], 1 ÷ spread [N]) of dropout(product + bias) + beside, which the product becomes."""
    y_ND = torch.empty_like(product_ND)
    mean_N, inverse_N = product_ND.new_empty(len(y_ND)), product_ND.new_empty(len(y_ND))
    given = (product_ND, bias_D, beside_ND, weight_D, shift_D, y_ND, mean_N, inverse_N)
    _run("drop_add_norm", product_ND, *given, *drop, epsilon)
    return y_ND, mean_N, inverse_N


def drop_add_norm_back(
    grad_ND: torch.Tensor,
    sums_ND: torch.Tensor,
    weight_D: torch.Tensor,
    mean_N: torch.Tensor,
    inverse_N: torch.Tensor,
    drop: Drop,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients by what stood beside [N, D] and by the product [N, D]; those by weight, shift and bias [3, D]."""
    beside_ND, product_ND = torch.empty_like(sums_ND), torch.empty_like(sums_ND)
    columns = sums_ND.new_empty(-(-len(sums_ND) // BLOCK), 3, sums_ND.shape[1])
    given = (grad_ND, sums_ND, weight_D, mean_N, inverse_N, beside_ND, product_ND, columns)
    _run("drop_add_norm_back", sums_ND, *given, *drop)
    return beside_ND, product_ND, columns.sum(0)


def gelu(inside_ND: torch.Tensor, bias_D: torch.Tensor) -> torch.Tensor:
    """GELU of inside + bias, which inside becomes."""
    y_ND = torch.empty_like(inside_ND)
    _run("gelu", inside_ND, inside_ND, bias_D, y_ND)
    return y_ND


def gelu_back(grad_ND: torch.Tensor, inside_ND: torch.Tensor) -> torch.Tensor:
    """The gradient by the bias [D]; the gradient given becomes that by inside."""
    columns = grad_ND.new_empty(-(-len(grad_ND) // BLOCK), grad_ND.shape[1])
    _run("gelu_back", grad_ND, grad_ND, inside_ND, columns)
    return columns.sum(0)


def cross_entropy(logits_NV: torch.Tensor, targets_N: torch.Tensor, weights_N: torch.Tensor) -> torch.Tensor:
    """−log P(target) [N]; the logits become the gradient of Σ weights · it by the logits."""
    tops, totals, own = (logits_NV.new_empty(len(logits_NV)) for _ in range(3))
    _run("cross_entropy", logits_NV, logits_NV, targets_N, weights_N, tops, totals, own)
    return totals.log_().add_(tops).sub_(own)
