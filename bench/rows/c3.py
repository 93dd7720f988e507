"""C3: minilm frozen below: its top two layers for 10 epochs, its head alone for 20 epochs, a head fitted once.

Rows: a seeded, stratified draw of banking77's training rows, 768 for two layers, 1,536 for a head (--set rows=N; a
quick run: 288), the same ids for every arm, 32 an update; all begin with a small random head.  Seconds of import, load,
prepare (what is kept of the frozen layers included) and training; quality is macro-F1 on the 3,080 test rows by a
neutral float32 judge.  Learning rates are tried for two epochs.  Peers: the Trainer of transformers with the lower
layers frozen, at its defaults and with like lengths together, the mean of the last states as reading, no dropout where
nothing moves.  The part `head fitted` sets our approach `features` beside a logistic regression of scikit-learn on
sentence-transformers' vectors: both encode each row once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _banking as banking

MINUTES = 18
SHARES = (7.0, 9.0, 2.0)  # of the parts
LAYERS_ROWS, HEAD_ROWS, QUICK_ROWS = 768, 1536, 288
RATE, PEER_RATE, HEAD_RATE = 3e-4, 5e-5, 1e-3  # of layers: ours, the Trainer's; of a head alone, of all arms
STRENGTH = 0.03  # the approach's own
TOLERANCE = 0.01
GRID = {"epochs": 2.0}


def prepare(options: Options) -> Sequence[Bench]:
    """Two layers, head only, head fitted."""
    rows = banking.side(options, "train")
    labels = sorted({row["label"] for row in rows})
    test = banking.written(options.work / "c3", "test", banking.side(options, "test"), labels)
    judge = banking.Judge(options, test["tokens"])
    tasks = []
    for usual in (LAYERS_ROWS, HEAD_ROWS):
        count = int(options.more.get("rows", QUICK_ROWS if options.quick else usual))
        drawn = banking.drawn(rows, count)
        tasks.append(
            banking.task(banking.written(options.work / f"c3-{count}", "train", drawn, labels), options)
        )
    two = _trained(options, tasks[0], 2, 10.0, Goal("best", 2.5, 5.0), judge)
    head = _trained(options, tasks[1], 0, 20.0, Goal("best", 15.0, 50.0), judge)
    parts = two, head, _fitted(options, tasks[1], judge)
    return [replace(part, minutes=minutes) for part, minutes in zip(parts, SHARES, strict=True)]


def _trained(
    options: Options,
    task: dict[str, Any],
    layers: int,
    epochs: float,
    goal: Goal,
    judge: banking.Judge,
) -> Bench:
    """Layers from the top that move with the head."""
    rate, peer_rate = (RATE, PEER_RATE) if layers else (HEAD_RATE, HEAD_RATE)
    sets = {"tuning.name": "freeze", "tuning.layers": layers}
    work = {**task, "epochs": epochs}
    mine = {**work, "rate": rate, "dtype": options.more.get("dtype", "auto")}
    ours = {**mine, "options": {"head": "random", "sets": sets}}
    what = f"top {layers} layers" if layers else "head only"
    return Bench(
        "C3",
        what,
        f"{what} of minilm, {epochs:g} epochs on {len(banking.lengths(task['tokens']))} rows of banking77",
        _arm(options, f"tunesmith, freeze layers={layers}", "ours_classify.py", ours, rate),
        {
            "best": _best(options, {**work, "rate": peer_rate}, layers, peer_rate),
            "default": [Arm("HF Trainer, defaults", options.peers, "hf_classify.py", _default(work, layers))],
        },
        [goal],
        judge=judge,
        quality="macro_f1",
        tolerance=TOLERANCE,
        first_loss=False,
        facts=_facts(task),
        control=layers == 0,
    )


def _default(work: dict[str, Any], layers: int) -> dict[str, Any]:
    """The family's own classifier; the pooler below a head alone stays, so its own rate would teach it little."""
    return {**work, "rate": PEER_RATE if layers else HEAD_RATE, "options": {"layers": layers}}


def _best(options: Options, work: dict[str, Any], layers: int, rate: float) -> list[Arm]:
    fast = {"layers": layers, "grouped": True, "pooling": "mean"}
    ways = {"HF Trainer, grouped, mean pooling": {}}
    if banking.fast_bfloat16(options):
        ways["HF Trainer, grouped, mean pooling, bfloat16"] = {"autocast": True}
    return [
        _arm(options, name, "hf_classify.py", {**work, "options": {**fast, **way}}, rate)
        for name, way in ways.items()
    ]


def _fitted(options: Options, task: dict[str, Any], judge: banking.Judge) -> Bench:
    strengths = () if options.quick else banking.grid(STRENGTH)
    peer = {**task, "rate": 1.0, "options": {"together": 64}}
    name = "sentence-transformers, logistic regression"
    return Bench(
        "C3",
        "head fitted",
        "a linear layer fitted on vectors of the frozen minilm, each row encoded once",
        Arm(
            "tunesmith, features",
            options.ours,
            "ours_features.py",
            {**task, "rate": STRENGTH},
            rates=strengths,
        ),
        {"best": [banking.arm(options, name, "embed_sklearn.py", peer, rates=banking.grid(1.0))]},
        [Goal("best", 1.0)],
        judge=judge,
        quality="macro_f1",
        tolerance=TOLERANCE,
        first_loss=False,
        facts=_facts(task),
        control=False,
    )


def _facts(task: dict[str, Any]) -> dict[str, Any]:
    sizes = banking.lengths(task["tokens"])
    return {"rows": len(sizes), "tokens": int(sizes.sum()), "test_rows": 3080}


def _arm(options: Options, name: str, script: str, work: dict[str, Any], rate: float) -> Arm:
    return banking.arm(options, name, script, work, rates=banking.grid(rate), shorter=GRID)
