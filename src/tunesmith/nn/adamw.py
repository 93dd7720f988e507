"""AdamW (Loshchilov and Hutter 2019) by torch's fused kernel, with the bits of `torch.optim.AdamW(fused=True)`.

torch's own class loads torch's compiler when it is made, 2 s of processor time before the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class AdamW:
    """param_groups: {params, weight_decay, lr} each.  state: parameter → {step, exp_avg, exp_avg_sq}, once it moved.

    Parameters without a gradient stay as they are, and their moments too.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], *, betas: tuple[float, float], eps: float) -> None:
        self.param_groups = [{"lr": 0.0, **group} for group in groups]
        self.state: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
        self._betas, self._eps = betas, eps

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            moving = [param for param in group["params"] if param.grad is not None]
            for device in dict.fromkeys(param.device for param in moving):
                self._update([param for param in moving if param.device == device], group)

    def _update(self, params: list[torch.Tensor], group: dict[str, Any]) -> None:
        states = [self.state.setdefault(param, {}) or self._begun(param) for param in params]
        kernels: Any = torch  # which hides these names from type checkers
        steps = [state["step"] for state in states]
        kernels._foreach_add_(steps, 1)
        kernels._fused_adamw_(
            params,
            [param.grad for param in params],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=group["lr"],
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=group["weight_decay"],
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )

    def _begun(self, param: torch.Tensor) -> dict[str, torch.Tensor]:
        self.state[param] = {
            "step": torch.zeros((), dtype=torch.float32, device=param.device),
            "exp_avg": torch.zeros_like(param),
            "exp_avg_sq": torch.zeros_like(param),
        }
        return self.state[param]
