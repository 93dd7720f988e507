"""The neutral judge of encoder classifiers: plain transformers in float32 on held-out rows.

    PYTHON judges/classification.py TASK.json    {"weights", "models": [folder, …], "tokens", "threads"}

Prints {"models": [{"macro_f1", "accuracy", "log_loss", "rows": 1 for each row that is right, "said"}, …]}.  A model is
a `model.safetensors` as bench/arms/_classify.py describes it.  Imports nothing of tunesmith.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

BATCH = 128  # rows of like length together: padding is masked, so it only costs time


def logits(net: Any, form: str, head: Mapping[str, Any], ids: list[np.ndarray]) -> np.ndarray:
    """float32 [B, C], in the order of the rows."""
    found = np.zeros((len(ids), len(head["bias"])), np.float32)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    with torch.inference_mode():
        for first in range(0, len(order), BATCH):
            part = order[first : first + BATCH]
            features = _features(net, form, [torch.from_numpy(ids[row]) for row in part])
            found[part] = torch.nn.functional.linear(features, head["weight"], head["bias"]).numpy()
    return found


def _features(net: Any, form: str, rows: list[Any]) -> Any:
    """[B, F]: what the head reads."""
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = (torch.arange(padded.shape[1])[None] < lengths[:, None]).long()
    said = net(input_ids=padded, attention_mask=mask, output_hidden_states=True)
    unit = torch.nn.functional.normalize
    last = _mean(said.hidden_states[-1], mask)
    if form == "words":
        return torch.cat([unit(_mean(said.hidden_states[0], mask), dim=-1), unit(last, dim=-1)], dim=-1)
    return {"pooler": lambda: said.pooler_output, "mean": lambda: last, "unit": lambda: unit(last, dim=-1)}[
        form
    ]()


def _mean(states: Any, mask: Any) -> Any:
    weights = mask[..., None].float()
    return (states * weights).sum(1) / weights.sum(1)


def scores(found: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Macro-F1 over the classes that the rows or the answers hold, accuracy, log loss, rows that are right."""
    said = found.argmax(1)
    logs = torch.from_numpy(found).double().log_softmax(-1).numpy()
    return {
        "macro_f1": macro_f1(said, labels),
        "accuracy": float((said == labels).mean()),
        "log_loss": float(-logs[np.arange(len(labels)), labels].mean()),
        "rows": [int(each) for each in said == labels],
        "said": said.tolist(),
    }


def macro_f1(said: np.ndarray, labels: np.ndarray) -> float:
    """The mean F1 of the classes that occur."""
    classes = np.union1d(said, labels)
    right = np.array([np.sum((said == each) & (labels == each)) for each in classes])
    both = np.array([np.sum(said == each) + np.sum(labels == each) for each in classes])
    return float((2 * right / both).mean())


def network(weights: str, folder: str) -> tuple[Any, str, dict[str, Any]]:
    """(the encoder in float32, its form, its head).  Raises RuntimeError where tensors and places don't match."""
    from safetensors import safe_open
    from transformers import AutoConfig, AutoModel

    with safe_open(str(Path(folder) / "model.safetensors"), "pt") as file:
        form, tensors = file.metadata()["form"], {name: file.get_tensor(name) for name in list(file.keys())}
    net = AutoModel.from_config(AutoConfig.from_pretrained(weights), add_pooling_layer=form == "pooler")
    net.load_state_dict({name[9:]: each for name, each in tensors.items() if name.startswith("backbone.")})
    return (
        net.float().eval(),
        form,
        {name[5:]: each for name, each in tensors.items() if name.startswith("head.")},
    )


def main() -> int:
    task = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(task["threads"])
    with np.load(task["tokens"]) as file:
        ids, offsets, labels = file["ids"], file["offsets"], file["labels"]
    rows = [ids[a:b] for a, b in itertools.pairwise(offsets)]
    found = [scores(logits(*network(task["weights"], folder), rows), labels) for folder in task["models"]]
    print("\n" + json.dumps({"models": found}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
