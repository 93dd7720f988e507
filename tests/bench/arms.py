"""A program that stands for an arm: it says what its task tells it to say."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

task = json.loads(Path(sys.argv[1]).read_text("utf-8"))
if task.get("fails"):
    sys.exit("out of luck")
time.sleep(task.get("sleep", 0.0))
(Path(task["out"]) / "model.txt").write_text(str(task.get("rate", 0.0)), encoding="utf-8")
said = {"tokens_sha256": task.get("hash", "0f"), "updates": 3, "moved": 0.1, "gradient_norm": 1.0}
seconds = {"import": 0.0, "load": 0.0, "prepare": 0.0, "train": task["seconds"] * (1 + task.get("rate", 0.0))}
print("words before\n" + json.dumps({**said, "first_loss": task.get("loss", 2.0), "seconds": seconds}))
