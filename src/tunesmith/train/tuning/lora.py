"""Low-rank updates beside frozen matrices, with the top layers free if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _whole


class Lora(Tuning):
    """LoRA (Hu et al. 2021) by the library peft; the update of a matrix is scaled by alpha ÷ rank."""

    peak_lr: ClassVar[float] = 5e-4
    adds: ClassVar[bool] = True
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    rank: int = Field(16, ge=1, le=1024, description="rank of each update")
    alpha: float = Field(32.0, gt=0, description="numerator of the update's scale")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the low-rank path")
    targets: Literal["linear", "attention"] = Field("linear", description="matrices with an update")
    layers: int = Field(0, ge=0, description="layers from the top with updates; 0: all")
    top: int = Field(
        0, ge=0, description="layers from the top that move whole; one at least keeps its updates"
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        peft = doors.open("peft")
        top = min(self.top, len(parameters.layers(net)) - 1)  # at least one layer keeps low-rank updates
        config = peft.LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=parameters.linear_names(net, self.layers, top, self.targets == "attention"),
        )
        peft.inject_adapter_in_model(config, net)
        net.head.requires_grad_(True)
        if top:
            parameters.layers(net)[-top:].requires_grad_(True)
        return net

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, self.head)

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        for name, module in net.named_modules():
            if hasattr(module, "lora_A"):
                update = module.get_delta_weight("default")
                yield f"{name}.weight", update

    def merge(self, net: Net) -> Net:
        for name, module in list(net.named_modules()):
            if hasattr(module, "lora_A"):
                module.merge()
                parent, _, leaf = name.rpartition(".")
                setattr(net.get_submodule(parent), leaf, module.get_base_layer())
        return net

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        return None
