"""Every weight may move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _whole


class Full(Tuning):
    """Full fine-tuning; the saved delta is every tensor.  A language model's head is its output matrix."""

    peak_lr: ClassVar[float] = 2e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="learning rate of a layer ÷ that of the one above; embeddings lowest"
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        net.requires_grad_(True)
        return net

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, _whole.Pace(self.head, self.layer_decay))

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
