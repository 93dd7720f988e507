"""The neutral judge of arms that learn from pairs: reward accuracy and DPO loss on held-out pairs, in float32.

    PYTHON judges/preference.py TASK.json    {"weights", "adapter", "tokens", "threads", "beta"}

The rows of the tokens file are chosen and rejected in turn; the reference is the base without the adapter.  Prints
{"rows": loss of each pair, "loss": their mean, "accuracy": share of pairs whose chosen answer gained more, "pairs"}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from likelihood import network, sums


def main() -> int:
    task = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(task["threads"])
    before, _ = sums(network(task["weights"], ""), task["tokens"])
    after, _ = sums(network(task["weights"], task["adapter"]), task["tokens"])
    gained = (np.array(after) - np.array(before)).reshape(-1, 2)
    margins = task["beta"] * (gained[:, 0] - gained[:, 1])
    losses = np.logaddexp(0.0, -margins)
    hits = (margins > 0) + 0.5 * (margins == 0)
    said = {"loss": float(losses.mean()), "accuracy": float(hits.mean()), "pairs": len(losses)}
    print("\n" + json.dumps({"rows": losses.tolist(), **said}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
