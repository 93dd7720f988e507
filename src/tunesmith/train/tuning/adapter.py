"""Small non-linear maps behind the blocks of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _whole

# the matrix with which a block ends, as the families call it
FORWARD = (
    *("mlp.down_proj", "mlp.c_proj", "fc2", "dense_4h_to_h", "ffn.lin2", "mlp.Wo", "feed_forward.w2"),
    *("mlp.dense",),
)
ATTENTION = (
    *("o_proj", "attn.c_proj", "attention.output.dense", "attention.dense", "self_attention.dense"),
    *("self_attn.dense", "attn.out_proj", "self_attn.out_proj", "attention.out_proj", "attention.out_lin"),
    *("attn.Wo",),
)


class Adapter(Tuning):
    """Adapters behind attention and feed-forward (Houlsby et al. 2019) or it alone (Pfeiffer et al. 2021).

    They are not linear, so no matrix of the base can hold them: `merge` raises ValueError and `change` yields nothing.
    """

    peak_lr: ClassVar[float] = 3e-3
    adds: ClassVar[bool] = True
    measurable: ClassVar[bool] = False
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    width: int = Field(32, ge=1, le=4096, description="features within an adapter")
    blocks: Literal["both", "forward"] = Field(
        "both", description="blocks with an adapter: attention and feed-forward, or feed-forward alone"
    )
    layers: int = Field(0, ge=0, description="layers from the top with adapters; 0: all")

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        from tunesmith.nn import bottleneck

        ends = self._ends(net)
        net.requires_grad_(False)
        for name in ends:
            bottleneck.put_behind(net.get_submodule(name), net.backbone.config.hidden_size, self.width)
        net.head.requires_grad_(True)
        return net

    def _ends(self, net: Net) -> list[str]:
        names = parameters.linear_names(net, self.layers)
        bert = [name for name in parameters.called(names, ("output.dense",)) if ".attention." not in name]
        forward = parameters.called(names, FORWARD) + bert
        attention = parameters.called(names, ATTENTION) if self.blocks == "both" else []
        if not forward or (self.blocks == "both" and not attention):
            raise ValueError("none of this base's matrices is known to end a block of its layers")
        return [name for name in names if name in {*forward, *attention}]

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, _whole.Pace(self.head))

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        yield from ()

    def merge(self, net: Net) -> Net:
        raise ValueError("an adapter is not linear: the base's matrices can't hold it")

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        return None
