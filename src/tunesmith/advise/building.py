"""The shape of a base from the network itself, built on the meta device, where it takes no memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tunesmith import doors
from tunesmith.advise.shapes import Matrix, Shape, dimensions


class Unknown(Exception):
    """transformers has no network of this family."""


def built(config: Mapping[str, Any], family: str, decoder: bool) -> Shape:
    """The shape as the network has it.  Raises Unknown."""
    torch = doors.open("torch")
    net, complete = _empty(config, family, decoder)
    # one stack, the longest: what the engine freezes and adapts by layers too
    stacks = [m for m in net.modules() if isinstance(m, torch.nn.ModuleList)]
    if not stacks:
        raise Unknown
    layers = max(stacks, key=len)
    matrices = _matrices(layers[0], torch)
    stack, embedding, output = _count(layers), _count_tables(net, torch), _own_output(net) if decoder else 0
    return Shape(
        family=family,
        decoder=decoder,
        gated=any("gate" in each.name and not each.attention for each in matrices),
        **asdict(dimensions({**complete, **config})),
        matrices=matrices,
        stack=stack,
        embedding=embedding,
        output=output,
        rest=_count(net) - _pooler(net) - stack - embedding - output,
        counted="meta",
    )


def _empty(config: Mapping[str, Any], family: str, decoder: bool) -> tuple[Any, dict[str, Any]]:
    """(the network without memory, its configuration with every default)."""
    transformers, torch = doors.open("transformers"), doors.open("torch")
    from tunesmith.nn import shapes_only

    transformers.logging.set_verbosity_error()  # it warns of token ids, which do not change a size
    settings = {key: value for key, value in config.items() if key != "model_type"}
    kinds = transformers.MODEL_FOR_CAUSAL_LM_MAPPING if decoder else transformers.MODEL_MAPPING
    try:
        made = transformers.AutoConfig.for_model(family, **settings)
        with shapes_only.ShapesOnly(), torch.device("meta"):
            return kinds[type(made)](made), made.to_dict()
    except (KeyError, ValueError, TypeError) as refusal:
        raise Unknown from refusal


def _count(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def _pooler(net: Any) -> int:
    """BERT's pooler is not part of what is trained here (`nn.encoder`)."""
    return sum(p.numel() for name, p in net.named_parameters() if name.startswith("pooler."))


def _count_tables(net: Any, torch: Any) -> int:
    return sum(m.weight.numel() for m in net.modules() if isinstance(m, torch.nn.Embedding))


def _own_output(net: Any) -> int:
    """The output matrix where it is not the table of the inputs."""
    head = net.get_output_embeddings()
    if head is None or head.weight is net.get_input_embeddings().weight:
        return 0
    return head.weight.numel()


def _matrices(layer: Any, torch: Any) -> tuple[Matrix, ...]:
    found = []
    for name, module in layer.named_modules():
        if isinstance(module, torch.nn.Linear):
            sizes = module.in_features, module.out_features
        elif type(module).__name__ == "Conv1D":  # GPT-2's linear map, stored transposed
            sizes = module.weight.shape[0], module.weight.shape[1]
        else:
            continue
        attention = "attn" in name.lower() or "attention" in name.lower()
        found.append(Matrix(name.rpartition(".")[2], *sizes, attention))
    return tuple(found)
