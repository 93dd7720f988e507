"""C2: full fine-tuning of minilm on all training rows of banking77, seconds to 0.925 test macro-F1.

Rows are looked at twice an epoch, 32 an update, the same ids for every arm; the clock stands while weights are saved.
The first look from which on macro-F1 on the test rows stays at the goal counts, by a neutral float32 judge.  Training
ends after --set limit=SECONDS (265, so that a run stays below five minutes); an arm that has not reached the goal by
then has no seconds, and its ratio is a bound.

Two parts, told apart.  `probe` is the row: all 10,003 training rows in a seeded order, our head begins as the product's
default does, as a linear layer fitted on the frozen network.  There the column `head only` shows what a logistic
regression on the frozen base alone takes, which moves no weight of the encoder.  `random` is about systems only: our
head begins small and random as every peer's does, and since no arm reaches 0.925 so in five minutes of two cores, a
seeded, stratified draw of 1,216 rows, 3 epochs, to 0.70 on 1,000 test rows.  Learning rates are tried on that draw, two
epochs, once for both parts; classifiers that differ in how the last states are read share theirs.  Heads differ between
arms, so first losses are not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _banking as banking

MINUTES = 30
SHARES = {"random": 8.0, "probe": 22.0}
GOALS = {"random": 0.70, "probe": 0.925}
QUICK_GOAL = 0.60
ROWS, JUDGED, CLASSES = 1216, 1000, 77  # of the draw; `--set rows=N` is that of both parts
EPOCHS, PROBE_EPOCHS, QUICK_EPOCHS, GRID_EPOCHS = 5.0, 2.0, 3.0, 2.0
LIMIT = 265.0  # seconds of training
RATE, PEER_RATE, SETFIT_RATE = 2e-4, 5e-5, 2e-5  # each one's default
QUICK_RATE = 1e-3  # of all arms of a quick run, which has no grid
SETFIT_STEPS = 300
MEAN = "HF Trainer, grouped, mean pooling"
LEAN = (Goal("best", 2.0, 4.0), Goal("best", 1.5, 2.5, "token"), Goal("leanest", 1.0, 1 / 0.7, "peak"))
ASKED = {"random": LEAN, "probe": (*LEAN, Goal("default", 8.0), Goal("setfit", 4.0))}


@dataclass(frozen=True)
class Work:
    """What a part trains on and tries rates on, and its judge."""

    files: dict[str, Path]
    draw: dict[str, Path]
    judge: banking.Judge
    epochs: float


def prepare(options: Options) -> Sequence[Bench]:
    """`probe` and `random`; a quick run has the second alone."""
    rows, test = banking.side(options, "train"), banking.side(options, "test")
    labels = sorted({row["label"] for row in rows})
    count = int(options.more.get("rows", ROWS))
    folder = options.work / f"c2-{count}"
    draw = banking.written(folder, "train", banking.drawn(rows, count), labels)
    few = banking.written(folder, "test", banking.drawn(test, JUDGED), labels)["tokens"]
    goal = QUICK_GOAL if options.quick else GOALS["random"]
    random = _part(options, "random", Work(draw, draw, banking.Judge(options, few, goal), QUICK_EPOCHS))
    if options.quick:
        return [random]
    chosen = draw if "rows" in options.more else _whole(options, rows, labels, "train")
    every = banking.Judge(options, _whole(options, test, labels, "test")["tokens"], GOALS["probe"])
    return [random, _part(options, "probe", Work(chosen, draw, every, EPOCHS))]


def _whole(options: Options, rows: list[banking.Row], labels: Sequence[str], side: str) -> dict[str, Path]:
    return banking.written(options.work / "c2", side, banking.drawn(rows, 0), labels)


def _part(options: Options, head: str, work: Work) -> Bench:
    looks = {"marks": 2, "limit": float(options.more.get("limit", LIMIT))}
    task = banking.task(work.files, options, epochs=work.epochs, rate=RATE, options=looks)
    shorter = {**{key: str(work.draw[key]) for key in ("tokens", "text")}, "epochs": GRID_EPOCHS}
    sizes = banking.lengths(task["tokens"])
    useful = banking.flops(sizes, banking.config(), CLASSES)
    judge = work.judge
    return Bench(
        "C2",
        head,
        f"full fine-tuning of minilm on {len(sizes):,} rows of banking77, our head begins {head}; seconds to "
        f"{judge.goal} macro-F1",
        _ours(options, task, head, shorter),
        _peers(options, task, head, shorter),
        ASKED[head],
        seconds=judge.reached,
        bound=judge.bound,
        measures={"token": banking.per_token},
        judge=judge,
        quality="macro_f1",
        tolerance=0.01,
        flops=lambda run: useful * run.said["updates"] * task["batch"] / len(sizes),
        shapes=banking.shapes(),
        first_loss=False,
        pairs={"setfit": 1, "head only": 1},
        minutes=SHARES[head],
        facts={"rows": len(sizes), "tokens": int(sizes.sum()), "goal": judge.goal},
        control=head == "random",
    )


def _ours(options: Options, task: dict[str, Any], head: str, shorter: dict[str, Any]) -> Arm:
    """A fitted head needs fewer epochs: its schedule is that of PROBE_EPOCHS."""
    mine = {**task, "dtype": options.more.get("dtype", "auto"), "options": {**task["options"], "head": head}}
    if options.quick:
        mine["rate"] = QUICK_RATE
    if head == "probe":
        mine["epochs"] = PROBE_EPOCHS
    return _arm(options, f"tunesmith, head {head}", "ours_classify.py", mine, RATE, shorter)


def _peers(
    options: Options, task: dict[str, Any], head: str, shorter: dict[str, Any]
) -> dict[str, list[Arm]]:
    best = _best(options, task, shorter)
    if head == "random":
        return {"best": best}
    default = Arm("HF Trainer, defaults", options.peers, "hf_classify.py", {**task, "rate": PEER_RATE})
    setfit = {**task, "rate": SETFIT_RATE, "options": {"steps": SETFIT_STEPS}}
    return {
        "best": best,
        "default": [default],
        "setfit": [Arm(f"SetFit, {SETFIT_STEPS} steps", options.peers, "setfit_classify.py", setfit)],
        "head only": [embedding(options, task)],
    }


def _best(options: Options, task: dict[str, Any], shorter: dict[str, Any]) -> list[Arm]:
    """Like lengths together; the family's own classifier, or one on the mean; bfloat16 where it is no slower."""
    fast = {**task["options"], "grouped": True}
    ways: dict[str, dict[str, Any]] = {MEAN: {"pooling": "mean"}}
    if not options.quick:
        ways["HF Trainer, grouped"] = {}
        if banking.fast_bfloat16(options):
            ways[f"{MEAN}, bfloat16"] = {"pooling": "mean", "autocast": True}
    rate = QUICK_RATE if options.quick else PEER_RATE
    return [
        _arm(
            options,
            name,
            "hf_classify.py",
            {**task, "rate": rate, "options": {**fast, **way}},
            PEER_RATE,
            shorter,
            like="" if name == MEAN else MEAN,
        )
        for name, way in ways.items()
    ]


def embedding(options: Options, task: dict[str, Any]) -> Arm:
    """A logistic regression on the frozen base's vectors, at the library's own C."""
    work = {**task, "rate": 1.0, "options": {"together": 64}}
    return Arm("sentence-transformers, logistic regression", options.peers, "embed_sklearn.py", work)


def _arm(
    options: Options,
    name: str,
    script: str,
    task: dict[str, Any],
    rate: float,
    shorter: dict[str, Any],
    like: str = "",
) -> Arm:
    """In the grid nothing is looked at before the end."""
    unseen = {**shorter, "options": {**task["options"], "marks": 0}}
    return banking.arm(options, name, script, task, rates=banking.grid(rate), shorter=unseen, like=like)
