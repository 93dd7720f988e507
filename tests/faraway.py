"""A device that is not there: numbers lie on the CPU and claim to lie elsewhere, so that tests see who forgets to move.

Torch's device type 'lazy' is one that no backend serves on any machine, and whose gradients torch computes in the
calling thread.  Inside `device`, whatever mixes such tensors with others of the CPU fails, as it would on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.optim import optimizer  # pyright: ignore[reportAttributeAccessIssue]
from torch.utils import checkpoint
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "lazy"
MOVES = ("aten::_to_copy", "aten::copy_", "aten::_copy_from")
INDEXES = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class Far(torch.Tensor):
    """A tensor that says it lies on the far device; `near` holds its numbers."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> Far:
        made = torch.Tensor._make_wrapper_subclass(
            cls, near.shape, near.stride(), near.storage_offset(), dtype=near.dtype, device=torch.device(NAME)
        )
        made.near = near
        return made

    def __repr__(self, **_: Any) -> str:
        return f"Far({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: Any) -> Any:
    """What an operation gives; its result is far where its arguments are, or where it is asked to make it there."""
    name, leaves = func._schema.name, tree_leaves((args, kwargs))
    asked = [each for each in leaves if isinstance(each, torch.device)]
    there = any(isinstance(each, Far) for each in leaves)
    if there and name not in MOVES:
        _require_same(name, leaves)
    if asked:
        there = asked[0].type == NAME
    elif name == "aten::copy_":
        there = isinstance(args[0], Far)
    near = func(*tree_map(_near, args), **tree_map(_near, kwargs))
    if name.endswith("_") and isinstance(near, torch.Tensor):  # in place: the very tensor that was given
        return args[0]
    return tree_map(_far, near) if there else near


def _require_same(name: str, leaves: list[Any]) -> None:
    """Numbers without axes may lie anywhere, but for the counts of steps of a fused optimiser."""
    allowed = name in INDEXES
    for each in leaves:
        single = isinstance(each, torch.Tensor) and not each.dim() and "_fused_" not in name
        if isinstance(each, torch.Tensor) and not isinstance(each, Far) and not single:
            if allowed and each.dtype in (torch.int64, torch.bool):
                continue
            raise RuntimeError(f"{name}: tensors on the far device and on the cpu: {tuple(each.shape)}")


def _near(value: Any) -> Any:
    if isinstance(value, torch.device) and value.type == NAME:
        return torch.device("cpu")
    return value.near if isinstance(value, Far) else value


def _far(value: Any) -> Any:
    return Far(value) if isinstance(value, torch.Tensor) and not isinstance(value, Far) else value


_MADE = torch.tensor


def _tensor(*given: Any, device: Any = None, **options: Any) -> torch.Tensor:
    return _MADE(*given, **options).to(device or "cpu")


@contextmanager
def device() -> Iterator[str]:
    """The far device's name; it is there inside."""
    served, future = optimizer._get_fused_kernels_supported_devices(), torch.__future__
    before = future.get_swap_module_params_on_conversion()
    future.set_swap_module_params_on_conversion(True)  # tied weights stay tied
    try:
        with (
            patch.object(optimizer, "_get_fused_kernels_supported_devices", lambda: [*served, NAME]),
            patch.object(
                torch, "inference_mode", torch.no_grad
            ),  # torch knows no views of such tensors there
            patch.object(checkpoint, "_infer_device_type", lambda *_: "cpu"),  # the draws are made there
            patch.object(torch, "tensor", _tensor),  # torch fills such tensors without asking the mode
            _Mode(),
        ):
            yield NAME
    finally:
        future.set_swap_module_params_on_conversion(before)
