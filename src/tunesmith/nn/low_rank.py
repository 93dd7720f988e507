"""How far low-rank factors move a matrix.

Axes: O outputs, I inputs, R rank.
"""

from __future__ import annotations

import torch


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
