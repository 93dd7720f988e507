"""Names of saved tensors as PEFT writes them in `adapter_model.safetensors`, and back.

For a language model PEFT stands over the backbone (the causal model itself); a network with a head of its own is seen
whole, the head being one of its `modules_to_save`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tunesmith.nn import parameters
from tunesmith.nn.soft_prompt import NAME as PROMPT

PREFIX = "base_model.model."


def to_file(net: Any, delta: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The delta of `Tuning.delta` under the names of PEFT's file."""
    return {_named(name, _root(net)): tensor.contiguous() for name, tensor in delta.items()}


def from_file(net: Any, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `Tuning.load` reads from the tensors of PEFT's file, for a net that went through `apply`."""
    names = {_named(name, _root(net)): name for name in parameters.moving(net)}
    return {names.get(key, key): tensor for key, tensor in tensors.items()}


def targets(net: Any, names: Sequence[str]) -> list[str]:
    """Matrices as PEFT's card names them: by their last step where that means exactly these, else in full."""
    root = _root(net)
    wanted = set(relative(net, names))
    every = [
        name.removeprefix(root)
        for name, _ in net.named_modules()
        if name.startswith(root) and f".{parameters.WRAPPED}" not in name
    ]
    short = {name.rpartition(".")[2] for name in wanted}
    exact = set(parameters.called(every, tuple(short))) == wanted
    return sorted(short if exact else wanted)


def relative(net: Any, names: Sequence[str]) -> list[str]:
    """Names of modules as PEFT sees them: from the backbone on, or of the whole network."""
    return sorted(name.removeprefix(_root(net)) for name in names)


def kept_whole(net: Any) -> list[str] | None:
    """PEFT's `modules_to_save`."""
    return ["head"] if parameters.has_own_head(net) else None


def task_type(net: Any) -> str | None:
    """PEFT's kind of task; None for a network that is not one of transformers' own."""
    return None if parameters.has_own_head(net) else "CAUSAL_LM"


def _root(net: Any) -> str:
    return "" if parameters.has_own_head(net) else "backbone."


def _named(name: str, root: str) -> str:
    return PROMPT if name.endswith(f".{PROMPT}") else PREFIX + name.removeprefix(root)
