"""Every weight may move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Net, Tensor, Tuning


class Full(Tuning):
    """Full fine-tuning; the saved delta is every tensor."""

    peak_lr: ClassVar[float] = 2e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")

    def apply(self, net: Net) -> Net:
        net.requires_grad_(True)
        return net

    def groups(self, net: Net) -> list[tuple[str, list[tuple[str, Tensor]], float]]:
        return parameters.groups(net, self.head)

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)
