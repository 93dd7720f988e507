"""C2: full fine-tuning of minilm on all training rows of banking77, seconds to 0.925 test macro-F1.

Rows: all 10,003 training rows in a seeded order (a quick run: a seeded, stratified 1,216), the same ids for every arm,
32 an update, looked at twice an epoch; the clock stands while weights are saved.  The first look from which on macro-F1
on the 3,080 test rows stays at the goal counts, by a neutral float32 judge.  Training ends after --set limit=SECONDS
(240); a peer that has not reached the goal by then counts with the seconds it had, so its ratio is a lower bound.

Two parts, told apart: in `random` our head begins small and random as every peer's does, so it is about systems only;
`probe` is the product's default, whose head begins as a linear layer fitted on the frozen network.  There the column
`head only` shows what a logistic regression on the frozen base alone takes, which moves no weight of the encoder.
Heads differ between arms, so first losses are not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _banking as banking

GOAL, QUICK_GOAL = 0.925, 0.60
QUICK_ROWS, QUICK_JUDGED, CLASSES = 1216, 1000, 77
EPOCHS, PROBE_EPOCHS, QUICK_EPOCHS, GRID_EPOCHS = 5.0, 2.0, 3.0, 1.0
LIMIT = 240.0  # seconds of training
RATE, PEER_RATE, SETFIT_RATE = 2e-4, 5e-5, 2e-5  # each one's default
QUICK_RATE = 1e-3  # of all arms of a quick run, which has no grid
SETFIT_STEPS = 400
LEAN = (Goal("best", 2.0, 4.0), Goal("best", 1.5, 2.5, "token"), Goal("leanest", 1.0, 1 / 0.7, "peak"))
GOALS = {"random": LEAN, "probe": (*LEAN, Goal("default", 8.0), Goal("setfit", 4.0))}


def prepare(options: Options) -> Sequence[Bench]:
    """`random` and `probe`; a quick run has the first alone."""
    rows = banking.side(options, "train")
    labels = sorted({row["label"] for row in rows})
    quick = options.quick
    count = int(options.more.get("rows", QUICK_ROWS if quick else 0))
    chosen = banking.drawn(rows, count)
    folder = options.work / f"c2-{len(chosen)}"
    files = banking.written(folder, "train", chosen, labels)
    judged = banking.drawn(banking.side(options, "test"), QUICK_JUDGED if quick else 0)
    held_out = banking.written(folder, "test", judged, labels)
    judge = banking.Judge(options, held_out["tokens"], QUICK_GOAL if quick else GOAL)
    return [_part(options, head, files, judge) for head in (("random",) if quick else tuple(GOALS))]


def _part(options: Options, head: str, files: dict[str, Path], judge: banking.Judge) -> Bench:
    looks = {"marks": 2, "limit": float(options.more.get("limit", LIMIT))}
    epochs = QUICK_EPOCHS if options.quick else EPOCHS
    task = banking.task(files, options, epochs=epochs, rate=RATE, options=looks)
    sizes = banking.lengths(files["tokens"])
    useful = banking.flops(sizes, banking.config(), CLASSES)
    return Bench(
        "C2",
        head,
        f"full fine-tuning of minilm on {len(sizes):,} rows of banking77, our head begins {head}; seconds to "
        f"{judge.goal} macro-F1",
        _ours(options, task, head),
        _peers(options, task, head),
        GOALS[head],
        seconds=judge.reached,
        measures={"token": banking.per_token},
        judge=judge,
        quality="macro_f1",
        tolerance=0.01,
        flops=lambda run: useful * run.said["updates"] * task["batch"] / len(sizes),
        shapes=banking.shapes(),
        first_loss=False,
        pairs={"setfit": 1, "head only": 1},
        facts={"rows": len(sizes), "tokens": int(sizes.sum()), "goal": judge.goal},
    )


def _ours(options: Options, task: dict[str, Any], head: str) -> Arm:
    """A fitted head needs fewer epochs: its schedule is that of PROBE_EPOCHS."""
    mine = {**task, "dtype": options.more.get("dtype", "auto"), "options": {**task["options"], "head": head}}
    if options.quick:
        mine["rate"] = QUICK_RATE
    if head == "probe":
        mine["epochs"] = PROBE_EPOCHS
    return _arm(options, f"tunesmith, head {head}", "ours_classify.py", mine, RATE)


def _peers(options: Options, task: dict[str, Any], head: str) -> dict[str, list[Arm]]:
    best = _best(options, task)
    if head == "random":
        return {"best": best}
    default = Arm("HF Trainer, defaults", options.peers, "hf_classify.py", {**task, "rate": PEER_RATE})
    setfit = {**task, "rate": SETFIT_RATE, "options": {"steps": SETFIT_STEPS}}
    return {
        "default": [default],
        "best": best,
        "setfit": [Arm(f"SetFit, {SETFIT_STEPS} steps", options.peers, "setfit_classify.py", setfit)],
        "head only": [embedding(options, task)],
    }


def _best(options: Options, task: dict[str, Any]) -> list[Arm]:
    """Like lengths together; the family's own classifier, or one on the mean; bfloat16 where it is no slower."""
    fast = {**task["options"], "grouped": True}
    ways: dict[str, dict[str, Any]] = {"HF Trainer, grouped, mean pooling": {"pooling": "mean"}}
    if not options.quick:
        ways["HF Trainer, grouped"] = {}
        if banking.fast_bfloat16(options):
            ways["HF Trainer, grouped, mean pooling, bfloat16"] = {"pooling": "mean", "autocast": True}
    rate = QUICK_RATE if options.quick else PEER_RATE
    return [
        _arm(options, name, "hf_classify.py", {**task, "rate": rate, "options": {**fast, **way}}, PEER_RATE)
        for name, way in ways.items()
    ]


def embedding(options: Options, task: dict[str, Any]) -> Arm:
    """A logistic regression on the frozen base's vectors; its grid is that of C."""
    work = {**task, "rate": 1.0, "options": {"together": 64}}
    name = "sentence-transformers, logistic regression"
    return banking.arm(options, name, "embed_sklearn.py", work, rates=banking.grid(1.0))


def _arm(options: Options, name: str, script: str, task: dict[str, Any], rate: float) -> Arm:
    return banking.arm(options, name, script, task, rates=banking.grid(rate), shorter={"epochs": GRID_EPOCHS})
