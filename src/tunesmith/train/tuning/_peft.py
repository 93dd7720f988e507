"""What the tunings share that the library peft puts around the base's matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Net, Tensor

Moved = Callable[[str, Any], Iterator[tuple[str, Tensor]]]  # (name, wrapper) → (name of a base tensor, ΔW)


def inject(net: Net, config: Any) -> None:
    """Put peft's modules around the matrices that a configuration names; they and the head alone move."""
    doors.open(
        "torch.distributed.tensor"
    )  # peft asks each matrix whether it is shared out, and may not load this
    doors.open("peft").inject_adapter_in_model(config, net)
    net.head.requires_grad_(True)


def transposed(net: Net, names: Sequence[str]) -> bool:
    """Whether the matrices are stored as [in, out] (GPT-2)."""
    kinds = {type(_bare(net.get_submodule(name))).__name__ for name in names}
    return kinds == {"Conv1D"}


def _bare(module: Any) -> Any:
    return getattr(module, parameters.WRAPPED, module)


def wrappers(net: Net) -> list[tuple[str, Any]]:
    """(name of a matrix in the untuned network, peft's module around it)."""
    kind = doors.open("peft.tuners.tuners_utils").BaseTunerLayer
    return [(name, module) for name, module in net.named_modules() if isinstance(module, kind)]


def merge(net: Net, moved: Moved) -> Net:
    """Fold what was added into new tensors of the base; peft's modules are gone."""
    torch = doors.open("torch")
    for name, wrapper in wrappers(net):
        with torch.no_grad():
            changes = {key.rpartition(".")[2]: change for key, change in moved(name, wrapper)}
        base = dense_layer(wrapper.get_base_layer())
        for leaf, change in changes.items():
            old = getattr(base, leaf)
            merged = (old.detach().float() + change.float()).to(old.dtype)
            setattr(base, leaf, torch.nn.Parameter(merged, requires_grad=False))
        parent, _, leaf = name.rpartition(".")
        setattr(net.get_submodule(parent), leaf, base)
    return net


def dense_layer(base: Any) -> Any:
    """The wrapped layer as an ordinary one: 4 bits become the numbers for which they stand."""
    if getattr(base.weight, "quant_state", None) is None:
        return base
    from tunesmith.nn import quantised

    return quantised.large(base)


def card(config: Any, base: str) -> dict[str, Any]:
    """A peft configuration as `adapter_config.json` holds it."""
    config.base_model_name_or_path, config.inference_mode = base, True
    return {key: _plain(value) for key, value in config.to_dict().items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value.value if isinstance(value, Enum) else value
