"""Tensors of a network as files for others hold them: names, number types, what was written read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.parts import Gap, Net, Obstacle, Origin, Tensor
from tunesmith.store import files

# what rounding the weights may do to a log-probability (nats): a bound against nonsense, since models differ.  Where a
# file is read, its numbers are held against those of the same rounding and must agree as closely as float32 does.
ROUNDING = {"float32": 0.0, "float16": 0.2, "bfloat16": 2.0}


def unmergeable(origin: Origin) -> Obstacle | None:
    """Why no base of the same shape can hold what was learnt; None where one can."""
    name = origin.recipe.tuning.name
    if origin.base.config.get("quantization_config"):
        return Obstacle(
            "W103",
            f"the base '{origin.base.name}' is itself held in few bits",
            "a base with plain weights, which what was learnt can be added to",
        )
    if origin.tuning is None or origin.tuning.measurable:
        return None
    return Obstacle(
        "W103",
        f"what the tuning '{name}' adds can't be folded into the weights of a base",
        "a tuning that moves the base's own matrices or adds to them (full, freeze, lora, ia3)",
    )


def state(net: Net) -> dict[str, Tensor]:
    """The backbone's tensors by Hugging Face's names, each once: a tied matrix has the name that comes first."""
    seen: set[tuple[int, tuple[int, ...]]] = set()
    found = {}
    for name, tensor in net.backbone.state_dict().items():
        key = (tensor.data_ptr(), tuple(tensor.shape))
        if key not in seen:
            seen.add(key)
            found[name] = tensor.detach()
    return found


def as_type(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """The same numbers, rounded where they are no integers."""
    wanted = getattr(doors.open("torch"), dtype)
    return {
        name: (each.to(wanted) if each.is_floating_point() else each).contiguous()
        for name, each in tensors.items()
    }


def put(net: Net, tensors: Mapping[str, Tensor]) -> None:
    """Give the backbone's parameters these numbers, in float32, in memory of their own: other networks may hang on the
    tensors that it had."""
    for name, own in net.backbone.named_parameters():
        own.data = tensors[name].detach().float().clone()


def own_type(config: Mapping[str, Any]) -> str:
    """The number type in which a base's configuration says that its weights are held."""
    said = str(config.get("dtype") or config.get("torch_dtype") or "float32").removeprefix("torch.")
    return said if said in ROUNDING else "float32"


def save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file."""
    save_file = doors.open("safetensors.torch").save_file
    files.write_with(path, lambda place: save_file(dict(tensors), place, {"format": "pt"}))


def exact(wanted: Mapping[str, Tensor], path: Path) -> Iterator[Gap]:
    """Tensors read again from a safetensors file, which may differ in no bit.  A name in one of both only is wrong."""
    torch = doors.open("torch")
    found = doors.open("safetensors.torch").load_file(path)
    for name in sorted({*wanted, *found}):
        same = name in wanted and name in found and torch.equal(wanted[name], found[name])
        yield Gap(name, 0.0 if same else float("inf"))
