"""The neutral judge of language arms: plain transformers in float32 on held-out rows, LoRA folded into the base.

    PYTHON judges/likelihood.py TASK.json    {"weights", "adapter", "tokens", "threads"}

Prints {"rows": −log probability a learnt token of each row, "loss": the mean over all learnt tokens, "tokens": how many
these are}.  Imports nothing of tunesmith.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch


def network(weights: str, adapter: str) -> Any:
    """The base in float32; with `adapter` every matrix W is W + scale · B · A, or W + D where D was saved.  Raises
    KeyError where a factor has no matrix."""
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    net = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()
    if not adapter:
        return net
    matrices = dict(net.model.named_modules())
    with safe_open(adapter, "pt") as file, torch.no_grad():
        scale = float(file.metadata()["scale"])
        for key in sorted(file.keys()):
            name, _, kind = key.rpartition(".")
            if kind == "B":
                matrices[name].weight += scale * (file.get_tensor(key) @ file.get_tensor(f"{name}.A"))
            elif kind == "D":
                matrices[name].weight += scale * file.get_tensor(key)
    return net


def sums(net: Any, path: str) -> tuple[list[float], list[int]]:
    """(log probability of each row's learnt tokens, how many they are), one row at a time, so without padding."""
    with np.load(path) as file:
        ids, offsets, starts = (torch.from_numpy(file[name]) for name in ("ids", "offsets", "starts"))
    found, sizes = [], []
    with torch.inference_mode():
        for begin, end, start in zip(offsets[:-1], offsets[1:], starts, strict=True):
            row = ids[begin:end]
            logits = net(row[None], use_cache=False).logits[0, int(start) - 1 : -1]
            learnt = row[int(start) :, None]
            found.append(float(logits.float().log_softmax(-1).gather(1, learnt).double().sum()))
            sizes.append(len(learnt))
    return found, sizes


def main() -> int:
    task = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(task["threads"])
    found, sizes = sums(network(task["weights"], task["adapter"]), task["tokens"])
    rows = [-total / size for total, size in zip(found, sizes, strict=True)]
    print("\n" + json.dumps({"rows": rows, "loss": -sum(found) / sum(sizes), "tokens": sum(sizes)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
