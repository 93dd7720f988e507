"""C8: near-duplicates among a million generated documents, beside datasketch's usual loop and rensa's bulk calls.

The arms are those of `near_duplicates.py`: each reads the documents, finds clusters (Jaccard of character 5-grams of at
least 0.7, 42 bands of 6), verifies its candidates exactly and says seconds between documents in memory and clusters.
datasketch takes about a millisecond for each document, so its column compares both on the first documents only.
`--set documents=20000` for another number; the planted pairs that an arm found are its recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _documents

SCRIPT = "c8_near_duplicates.py"
MINUTES = 8
SHARES = {"rensa": 6.0, "datasketch": 2.0}
DOCUMENTS, SMALL = 1_000_000, 50_000
QUICK = 20_000
SHARE = 0.02  # of the documents, which are edited copies of others
RECALL_APART = 0.002  # by which recalls may differ and still be equal


def prepare(options: Options) -> Sequence[Bench]:
    """All documents beside rensa; the first ones beside datasketch."""
    count = int(options.more.get("documents", QUICK if options.quick else DOCUMENTS))
    small = min(count, int(options.more.get("small", SMALL)))
    return [_bench(options, "rensa", count), _bench(options, "datasketch", small)]


def _bench(options: Options, peer: str, count: int) -> Bench:
    task = {**_documents.written(options.work, count, round(count * SHARE)), "threads": options.threads}
    ours = Arm("tunesmith", options.ours, SCRIPT, {**task, "arm": "tunesmith"})
    goal = Goal("best", 1.0, 1.5) if peer == "rensa" else Goal("best", 20.0, 100.0)
    return Bench(
        "C8",
        f"beside {peer}",
        f"{count:,} generated documents of about 630 characters, seed 1, 2 % of them edited copies of others.",
        ours,
        {"best": [replace(ours, name=peer, python=options.peers, task={**task, "arm": peer})]},
        [goal],
        seconds=lambda run: run.said["seconds"]["train"],
        judge=lambda run: {key: run.said[key] for key in ("recall", "precision")},
        quality="recall",
        tolerance=RECALL_APART,
        trains=False,
        pairs={"best": 2},
        minutes=SHARES[peer],
        control=peer == "datasketch",
    )
