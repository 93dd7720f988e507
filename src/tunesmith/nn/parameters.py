"""Which parameters of a network move, by name; freezing, taking them out and putting them in.

A network has a `backbone` (a Hugging Face model) and a `head`.  Where the head has no parameters (a language model),
the backbone's output matrix is the head.  Torch is imported in bodies: recipes name tunings, and are read where torch
is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

SLOT = "default"  # peft's name for the only adapter that it holds
WRAPPED = "base_layer"  # peft's name for the module that it stands before
MAGNITUDE = "lora_magnitude_vector"  # peft's files name this tensor without `.weight`


def moving(net: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that move, by the names under which they are saved, detached; memory is shared with the net."""
    return {name: p.detach() for name, p in live(net)}


def live(net: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """(name under which it is saved, parameter) of what moves."""
    for name, p in net.named_parameters():
        if p.requires_grad:
            yield saved_name(name), p


def saved_name(name: str) -> str:
    """A parameter's name without peft's slot: `q_proj.lora_A.default.weight` is saved as `q_proj.lora_A.weight`."""
    kept = [step for step in name.split(".") if step != SLOT]
    if kept[-2:] == [MAGNITUDE, "weight"]:
        kept.pop()
    return ".".join(kept)


def base_tensors(net: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter by the name that it has in an untuned network; what was added has its saved name.

    Matrices of 4 bits are left out: they are no numbers that a gradient could be asked of.
    """
    return {
        ".".join(step for step in saved_name(name).split(".") if step != WRAPPED): p
        for name, p in net.named_parameters()
        if p.is_floating_point()
    }


def put(net: nn.Module, delta: Mapping[str, torch.Tensor]) -> None:
    """Overwrite the moving tensors.  Raises ValueError where names or shapes differ."""
    import torch

    own = moving(net)
    if set(own) != set(delta):
        odd = sorted(set(own) ^ set(delta))[0]
        raise ValueError(f"the saved tensors are not those of this network: '{odd}' is in one of them only")
    for name, tensor in own.items():
        if tensor.shape != delta[name].shape:
            raise ValueError(f"'{name}' has shape {tuple(delta[name].shape)}, not {tuple(tensor.shape)}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(delta[name])


# ---- places -----------------------------------------------------------------------------------------------------


def layers(net: Any) -> nn.ModuleList:
    """The backbone's stack of layers: its longest ModuleList that is in no other.  Raises ValueError without one."""
    return stack(net)[1]


def stack(net: Any) -> tuple[str, nn.ModuleList]:
    """(name in the network, layers)."""
    from torch import nn

    found = {
        f"backbone.{name}": module
        for name, module in net.backbone.named_modules()
        if isinstance(module, nn.ModuleList)
    }
    outer = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    if not outer:
        raise ValueError("this base has no stack of layers to choose from")
    longest = max(outer, key=lambda name: len(found[name]))
    return longest, found[longest]


def has_own_head(net: Any) -> bool:
    """Whether the head is beside the backbone; else the backbone's output matrix is the head."""
    return any(True for _ in net.head.parameters())


def output_matrix(net: Any) -> Any:
    """The module that gives each word's logit; None for a backbone that has none."""
    return net.backbone.get_output_embeddings()


def head(net: Any) -> list[torch.Tensor]:
    """The head's parameters.  Where the base ties its output matrix to the input embeddings, that matrix is both."""
    if has_own_head(net) or output_matrix(net) is None:
        return list(net.head.parameters())
    return list(output_matrix(net).parameters())


def embeddings(net: Any) -> list[torch.Tensor]:
    """What turns words and places into vectors, with its norm.  A tied output matrix is among them."""
    from torch import nn

    name, _ = stack(net)
    tables = {id(p) for m in net.backbone.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    untied = _ids(output_matrix(net)) - _ids(net.backbone.get_input_embeddings())
    return [
        p
        for key, p in net.named_parameters()
        if not key.startswith((f"{name}.", "head."))
        if ("embed" in key or id(p) in tables) and id(p) not in untied
    ]


def _ids(module: Any) -> set[int]:
    return {id(p) for p in module.parameters()} if module is not None else set()


def is_new(name: str) -> bool:
    """Whether a parameter belongs to a head of the task's own, which the base does not have."""
    return name.startswith("head.")


# ---- freezing ---------------------------------------------------------------------------------------------------


def freeze_below(net: Any, top: int, words: bool = False) -> None:
    """Freeze the backbone but for its `top` highest layers and, if asked, the embeddings; the head moves."""
    net.requires_grad_(False)
    stay = max(len(layers(net)) - top, 0)
    for layer in list(layers(net))[stay:]:
        layer.requires_grad_(True)
    for p in [*head(net), *(embeddings(net) if words else [])]:
        p.requires_grad_(True)


# ---- matrices ---------------------------------------------------------------------------------------------------


def is_linear(module: nn.Module) -> bool:
    """Whether it is a linear map: torch's, GPT-2's transposed one (Conv1D), or a subclass of these (4-bit)."""
    from torch import nn

    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def linear_names(net: Any, layers_from_top: int = 0, spared: int = 0) -> list[str]:
    """Full names of the linear maps in the layers.

    layers_from_top: how many layers count (0: all).  spared: so many of the highest ones are left out.
    """
    chosen = list(layers(net))[-layers_from_top:]
    chosen = chosen[: len(chosen) - spared]
    wanted = {id(m) for layer in chosen for m in layer.modules() if is_linear(m)}
    return [name for name, module in net.named_modules() if id(module) in wanted]


def called(names: list[str], endings: tuple[str, ...]) -> list[str]:
    """Names whose last steps are one of `endings`: 'mlp.c_proj' is the end of 'transformer.h.0.mlp.c_proj'."""
    return [name for name in names if f".{name}".endswith(tuple(f".{end}" for end in endings))]
