"""One arm of `near_duplicates.py`: TASK.json names it, the file of documents and the planted pairs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import _common

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import near_duplicates


def main() -> None:
    """Read, find clusters, say seconds, recall and precision."""
    task, clock = _common.task(), _common.Clock()
    texts = Path(task["documents"]).read_text("utf-8").split("\n")
    clock.ends("load")
    clusters = near_duplicates.ARMS[task["arm"]](texts)
    clock.ends("train")
    pairs = [tuple(pair) for pair in json.loads(Path(task["pairs"]).read_text("utf-8"))]
    clock.say(rows=len(texts), **near_duplicates.score(clusters, pairs))


if __name__ == "__main__":
    main()
