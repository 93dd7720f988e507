"""Only the head, the top layers and, if wanted, the embeddings may move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _whole

TOP = 2


class Freeze(Tuning):
    """The backward pass stops at the lowest layer that moves.

    A language model's head is its output matrix.  Where the base ties that matrix to its input embeddings the two are
    one tensor: it moves, whatever `embeddings` says.
    """

    peak_lr: ClassVar[float] = 3e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    layers: int = Field(TOP, ge=0, description="layers from the top that move; 0: the head alone")
    first: int = Field(
        0, ge=0, description="layers from the bottom that stay while all above move; 0: `layers` says it"
    )
    embeddings: bool = Field(False, description="whether the embeddings move too")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="learning rate of a layer ÷ that of the one above; embeddings lowest"
    )
    unfreeze: bool = Field(
        False, description="layers begin to move one by one from the top, in equal shares of the steps"
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        count = len(parameters.layers(net))
        if self.first and self.layers != TOP:
            raise ValueError(f"first = {self.first} and layers = {self.layers} both say which layers move")
        if self.first > count:
            raise ValueError(f"the base has {count} layers, so the first {self.first} can't stay")
        parameters.freeze_below(net, count - self.first if self.first else self.layers, self.embeddings)
        return net

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, _whole.Pace(self.head, self.layer_decay, self.unfreeze))

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
