"""Which parameters of a network move, by name; freezing, grouping, taking them out and putting them in.

Torch is imported in bodies: recipes name tunings, and are read where torch is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

# biases and norm scales are not decayed (Loshchilov & Hutter 2019 decay matrices; the usual practice since BERT)
NO_DECAY_DIMS = 1


def moving(net: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that move, by name, detached."""
    return {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}


def grouped(net: Any) -> dict[str, list[tuple[str, torch.Tensor]]]:
    """Parameters that move: 'decay' (matrices), 'no-decay' (vectors), 'head'."""
    live = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    below = [pair for pair in live if not is_head(pair[0])]
    return {
        "decay": [pair for pair in below if pair[1].ndim > NO_DECAY_DIMS],
        "no-decay": [pair for pair in below if pair[1].ndim <= NO_DECAY_DIMS],
        "head": [pair for pair in live if is_head(pair[0])],
    }


def is_head(name: str) -> bool:
    """Whether a parameter belongs to the head."""
    return name.startswith("head.")


def put(net: nn.Module, delta: Mapping[str, torch.Tensor]) -> None:
    """Overwrite the moving tensors.  Raises ValueError where names or shapes differ."""
    import torch

    own = moving(net)
    if set(own) != set(delta):
        odd = sorted(set(own) ^ set(delta))[0]
        raise ValueError(f"the saved tensors are not those of this network: '{odd}' is in one of them only")
    with torch.no_grad():
        for name, tensor in own.items():
            if tensor.shape != delta[name].shape:
                raise ValueError(f"'{name}' has shape {tuple(delta[name].shape)}, not {tuple(tensor.shape)}")
            tensor.copy_(delta[name])


def layers(net: Any) -> nn.ModuleList:
    """The encoder's stack of layers: its longest ModuleList.  Raises ValueError where there is none."""
    from torch import nn

    lists = [module for module in net.backbone.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError("this base has no stack of layers to freeze")
    return max(lists, key=len)


def freeze_below(net: Any, top: int) -> None:
    """Freeze the backbone but for its `top` highest layers; the head moves."""
    net.requires_grad_(True)
    net.backbone.requires_grad_(False)
    if top:
        layers(net)[-top:].requires_grad_(True)


def linear_names(net: Any, layers_from_top: int, spared: int, attention_only: bool) -> list[str]:
    """Full names of the linear maps in the encoder's layers, for low-rank updates.

    layers_from_top: how many layers count (0: all).  spared: so many of the highest ones are left out.
    Raises ValueError where none is left.
    """
    from torch import nn

    stack = layers(net)
    chosen = list(stack)[-layers_from_top:] if layers_from_top else list(stack)
    chosen = chosen[: len(chosen) - spared] if spared else chosen
    wanted = {id(m) for layer in chosen for m in layer.modules() if isinstance(m, nn.Linear)}
    names = [name for name, module in net.named_modules() if id(module) in wanted]
    kept = [
        name for name in names if not attention_only or "attention" in name.lower() or "attn" in name.lower()
    ]
    if not kept:
        raise ValueError(
            "no matrix is left for low-rank updates: fewer whole layers, or more layers, are needed"
        )
    return kept
