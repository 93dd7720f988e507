"""Learned factors for keys, values and what the feed-forward block reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _peft, _whole

# what the families call them; a matrix that makes queries, keys and values together is scaled as one
KEYS_VALUES = (
    *("k_proj", "v_proj", "attention.self.key", "attention.self.value", "k_lin", "v_lin"),
    *("attn.c_attn", "qkv_proj", "query_key_value", "att_proj", "attn.Wqkv"),
)
FORWARD = (
    *("mlp.down_proj", "mlp.c_proj", "fc2", "dense_4h_to_h", "ffn.lin2", "mlp.Wo"),
    *("feed_forward.w2",),
)


class Ia3(Tuning):
    """(IA)³ (Liu et al. 2022) by the library peft: one factor for each feature, so very few numbers move."""

    # factors are of size one, so they take larger steps than weights
    peak_lr: ClassVar[float] = 2e-2
    adds: ClassVar[bool] = True
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    layers: int = Field(0, ge=0, description="layers from the top with factors; 0: all")

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        names = parameters.linear_names(net, self.layers)
        forward = _forward(names)
        chosen = parameters.called(names, KEYS_VALUES) + forward
        if not chosen:
            raise ValueError(
                "none of this base's matrices is known to make keys, values or feed-forward states"
            )
        _peft.inject(net, self._config(chosen, forward, _peft.transposed(net, chosen)))
        return net

    def _config(self, names: list[str], forward: list[str], transposed: bool, **more: Any) -> Any:
        return doors.open("peft").IA3Config(
            target_modules=names, feedforward_modules=forward, fan_in_fan_out=transposed, **more
        )

    def groups(self, net: Net) -> list[Group]:
        # factors begin at one: to shrink them is no neutral thing
        return _whole.groups(net, _whole.Pace(self.head, shrinks=False))

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        for name, module in _peft.wrappers(net):
            factors = module.ia3_l[parameters.SLOT]
            yield from _scaled(name, module, factors - start[f"{name}.ia3_l"].to(factors))

    def merge(self, net: Net) -> Net:
        return _peft.merge(net, lambda name, m: _scaled(name, m, m.ia3_l[parameters.SLOT] - 1))

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        from tunesmith.nn import peft_form

        wrapped = _peft.wrappers(net)
        names = [name for name, _ in wrapped]
        forward = peft_form.relative(net, [name for name, m in wrapped if m.is_feedforward])
        more = {"task_type": peft_form.task_type(net), "modules_to_save": peft_form.kept_whole(net)}
        config = self._config(peft_form.relative(net, names), forward, _peft.transposed(net, names), **more)
        return _peft.card(config, base)


def _forward(names: list[str]) -> list[str]:
    """The matrix of each layer that reads what the feed-forward block widened.  BERT's is `output.dense`, a name that
    its attention has too."""
    bert = [name for name in parameters.called(names, ("output.dense",)) if ".attention." not in name]
    return parameters.called(names, FORWARD) + bert


def _scaled(name: str, module: Any, factors: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What factors add to a wrapper's base: [1, I] scale what a feed-forward matrix reads, [O, 1] what others give."""
    base = module.get_base_layer()
    weight = base.weight.to(factors.dtype)
    yield f"{name}.weight", weight * (factors.T if module.fan_in_fan_out else factors)
    if base.bias is not None and not module.is_feedforward:
        yield f"{name}.bias", base.bias.to(factors.dtype) * factors.reshape(-1)
