"""Low-rank updates beside frozen matrices, with the top layers free if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _peft, _whole

ATTENTION = ("attention", "attn")


class Lora(Tuning):
    """LoRA (Hu et al. 2021) by the library peft.

    With `bits = 4` the layers of the base are held as NF4 (Dettmers et al. 2023; extra `quant`): the updates are learnt
    beside matrices that are rounded, and `merge` gives these in full precision again.
    """

    peak_lr: ClassVar[float] = 5e-4
    adds: ClassVar[bool] = True
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    rank: int = Field(16, ge=1, le=1024, description="rank of each update")
    alpha: float = Field(32.0, gt=0, description="numerator of the update's scale")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the low-rank path")
    targets: Literal["linear", "attention"] | tuple[str, ...] = Field(
        "linear", description='matrices with an update, or their names (["q_proj", "v_proj"])'
    )
    layers: int = Field(0, ge=0, description="layers from the top with updates; 0: all")
    top: int = Field(
        0, ge=0, description="layers from the top that move whole; one at least keeps its updates"
    )
    rslora: bool = Field(
        False, description="scale by alpha ÷ √rank, not alpha ÷ rank (Kalajdzievski 2023): for high ranks"
    )
    dora: bool = Field(False, description="learn each row's length beside its direction (Liu et al. 2024)")
    bits: Literal[16, 4] = Field(
        16, description="4: the base's layers as NF4, to save memory; 16: as they are"
    )

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        layers = parameters.layers(net)
        top = min(self.top, len(layers) - 1)  # at least one layer keeps low-rank updates
        names = self._names(net, top)
        if self.bits == 4:
            self._quantise(net, list(layers)[: len(layers) - top])
        _peft.inject(net, self._config(names, _peft.transposed(net, names)))
        _fuse(net)
        if top:
            layers[-top:].requires_grad_(True)
        return net

    def _names(self, net: Net, top: int) -> list[str]:
        names = parameters.linear_names(net, self.layers, top)
        if self.targets == "attention":
            names = [name for name in names if any(word in name.lower() for word in ATTENTION)]
        elif self.targets != "linear":
            lost = [end for end in self.targets if not parameters.called(names, (end,))]
            if lost:
                ends = sorted({name.rpartition(".")[2] for name in names})
                raise ValueError(f"no matrix is called '{lost[0]}'; there are {', '.join(ends)}")
            names = parameters.called(names, self.targets)
        if not names:
            raise ValueError("no matrix is left for updates: fewer whole layers, or more layers, are needed")
        return names

    def _quantise(self, net: Net, layers: list[Any]) -> None:
        doors.open("bitsandbytes")
        from tunesmith.nn import quantised

        quantised.quantise(layers)
        net.is_loaded_in_4bit = True  # what peft asks before it chooses its modules

    def _config(self, names: list[str], transposed: bool, **more: Any) -> Any:
        return doors.open("peft").LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=names,
            use_rslora=self.rslora,
            use_dora=self.dora,
            fan_in_fan_out=transposed,
            **more,
        )

    def groups(self, net: Net) -> list[Group]:
        return _whole.groups(net, _whole.Pace(self.head))

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        for name, module in _peft.wrappers(net):
            yield f"{name}.weight", _update(module, _own(module)) - _update(module, _saved(start, name))
        yield from _whole.change(net, start, "lora_")

    def merge(self, net: Net) -> Net:
        merged = _peft.merge(
            net, lambda name, module: iter([(f"{name}.weight", _update(module, _own(module)))])
        )
        if self.bits == 4:
            from tunesmith.nn import quantised

            quantised.dequantise(parameters.layers(merged))
            merged.is_loaded_in_4bit = False
        return merged

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        """None with `top`: PEFT has no form for layers that move whole beside updates."""
        if self.top:
            return None
        from tunesmith.nn import peft_form

        names = [name for name, _ in _peft.wrappers(net)]
        more = {"task_type": peft_form.task_type(net), "modules_to_save": peft_form.kept_whole(net)}
        transposed = _peft.transposed(net, names)
        return _peft.card(self._config(peft_form.targets(net, names), transposed, **more), base)


def _fuse(net: Net) -> None:
    from tunesmith.nn import low_rank

    low_rank.fuse(net, parameters.SLOT)


def _own(module: Any) -> tuple[Tensor, ...]:
    """A, B and with DoRA the rows' lengths of a wrapper, as they are."""
    slot = parameters.SLOT
    lengths = (module.lora_magnitude_vector[slot].weight,) if slot in module.lora_magnitude_vector else ()
    return (module.lora_A[slot].weight, module.lora_B[slot].weight, *lengths)


def _saved(start: Mapping[str, Tensor], name: str) -> tuple[Tensor, ...]:
    lengths = start.get(f"{name}.{parameters.MAGNITUDE}")
    return (
        start[f"{name}.lora_A.weight"],
        start[f"{name}.lora_B.weight"],
        *(() if lengths is None else (lengths,)),
    )


def _update(module: Any, tensors: tuple[Tensor, ...]) -> Tensor:
    """How far a wrapper's tensors move the matrix, in the base's own layout."""
    from tunesmith.nn import low_rank, quantised

    turned = getattr(module, "fan_in_fan_out", False)
    scale = module.scaling[parameters.SLOT]
    down, up, *lengths = tensors
    if lengths:
        base = quantised.dense(module.get_base_layer())
        update = low_rank.update(down, up, scale, base.T if turned else base, lengths[0])
    else:
        update = low_rank.update(down, up, scale)
    return update.T if turned else update
