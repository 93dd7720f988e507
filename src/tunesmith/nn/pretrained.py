"""Puts pretrained weights into a network's backbone: safetensors only, local files only, no remote code."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.nn.shapes_only import ShapesOnly


def load(net: Any, folder: Path) -> None:
    """Give `net` the backbone that a folder holds, in float32.  Raises ValueError naming what is missing.

    The weights are there once only: those that the backbone had are let go first (a net that was built on the meta
    device never has any), and each tensor is read into its place.  What the net has besides its backbone and is still
    on the meta device gets memory; `begin` gives it values.  After an error the net is of no use.
    """
    kind, config = type(net.backbone), net.backbone.config
    net.backbone = nn.Module()
    net.backbone = _read(kind, config, folder)
    _materialise(net)


def _read(kind: Any, config: Any, folder: Path) -> Any:
    try:
        with ShapesOnly():
            loaded, report = kind.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are named below
                **_without_pooler(kind),
            )
    except ImportError as lacking:  # a quantised base whose library is not there
        raise ValueError(str(lacking).strip().splitlines()[0]) from None
    if report["mismatched_keys"]:
        raise ValueError(
            f"the shape of '{sorted(report['mismatched_keys'])[0][0]}' is not what its config says"
        )
    if missing := [key for key in report["missing_keys"] if "position_ids" not in key]:
        raise ValueError(f"the weights lack {len(missing)} tensors, such as {sorted(missing)[0]}")
    return loaded


def _without_pooler(kind: Any) -> dict[str, bool]:
    """BERT's pooler is a layer that mean pooling never reads."""
    return {"add_pooling_layer": False} if "add_pooling_layer" in signature(kind.__init__).parameters else {}


def _materialise(net: nn.Module) -> None:
    for name, module in net.named_modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if not name.startswith("backbone") and any(tensor.is_meta for tensor in own):
            with ShapesOnly():
                module.to_empty(device="cpu", recurse=False)
