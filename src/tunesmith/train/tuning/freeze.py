"""Only the head and the top layers may move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _whole


class Freeze(Tuning):
    """The backward pass stops at the lowest layer that moves."""

    peak_lr: ClassVar[float] = 3e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    layers: int = Field(2, ge=0, description="layers from the top that move; 0: the head alone")

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        parameters.freeze_below(net, self.layers)
        return net

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, self.head)

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        return _whole.change(net, start)

    def merge(self, net: Net) -> Net:
        return net

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        return None
