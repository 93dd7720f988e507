"""Puts pretrained weights into a network's backbone: safetensors only, local files only, no remote code."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import torch
import transformers

# its reports of unused weights and its progress bars say nothing to our users
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def load(net: Any, folder: Path) -> None:
    """Put the weights of a folder into `net.backbone`, in float32.  Raises ValueError naming what is missing."""
    kind = type(net.backbone)
    pooler = (
        {"add_pooling_layer": False} if "add_pooling_layer" in signature(kind.__init__).parameters else {}
    )
    loaded, report = kind.from_pretrained(
        folder,
        config=net.backbone.config,
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **pooler,
    )
    if missing := [key for key in report["missing_keys"] if "position_ids" not in key]:
        raise ValueError(f"the weights lack {len(missing)} tensors, such as {sorted(missing)[0]}")
    net.backbone.load_state_dict(loaded.state_dict())
