"""Low-rank updates beside frozen matrices, with the top layers free if wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Net, Tensor, Tuning


class Lora(Tuning):
    """LoRA (Hu et al. 2021) by the library peft; the update of a matrix is scaled by alpha ÷ rank."""

    peak_lr: ClassVar[float] = 5e-4
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    rank: int = Field(16, ge=1, le=1024, description="rank of each update")
    alpha: float = Field(32.0, gt=0, description="numerator of the update's scale")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the low-rank path")
    targets: Literal["linear", "attention"] = Field("linear", description="matrices with an update")
    layers: int = Field(0, ge=0, description="layers from the top with updates; 0: all")
    top: int = Field(
        0, ge=0, description="layers from the top that move whole; one at least keeps its updates"
    )

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

    def groups(self, net: Net) -> list[tuple[str, list[tuple[str, Tensor]], float]]:
        return parameters.groups(net, self.head)

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)
