"""Only the head and the top layers may move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Net, Tensor, Tuning


class Freeze(Tuning):
    """The backward pass stops at the lowest layer that moves."""

    peak_lr: ClassVar[float] = 3e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    layers: int = Field(2, ge=0, description="layers from the top that move; 0: the head alone")

    def apply(self, net: Net) -> Net:
        parameters.freeze_below(net, self.layers)
        return net

    def groups(self, net: Net) -> list[tuple[str, list[tuple[str, Tensor]], float]]:
        return parameters.groups(net, self.head)

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)
