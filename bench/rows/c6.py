"""C6: the best of 16 configurations: LoRA on minilm, banking77; seconds to a winner as good as the grid's best.

The declared grid: 4 learning rates (5e-4 times 1, 3, 10, 30) × ranks 8 and 16 (alpha 32) × batches of 16 and 32; 3
epochs of a seeded, stratified draw of 462 rows (--set rows=N; a quick run: 308), of which the product's split holds a
third out to choose by; the same sides for every arm.  Heads begin small and random (--set head=probe: the product's
default).
Peers: the Trainer of transformers with peft at its defaults, every configuration to its end; with like lengths together
under Optuna, with its Hyperband and with its median pruner.  The base and the tokens are read once by all.
One neutral float32 judge scores the winners on the same validation rows; our seconds include the product's checks,
cleaning and split of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _banking as banking

MINUTES = 11
ROWS, QUICK_ROWS = 462, 308
SHARE = 0.333
EPOCHS = 3.0
SPACE = {"rates": [5e-4, 1.5e-3, 5e-3, 1.5e-2], "ranks": [8, 16], "batches": [16, 32]}
QUICK_SPACE = {"rates": [1.5e-3, 5e-3], "ranks": [8, 16], "batches": [32]}
GOALS = (Goal("best", 4.0, 10.0),)
TOLERANCE = 0.02


def prepare(options: Options) -> Sequence[Bench]:
    """One part."""
    rows = banking.side(options, "train")
    count = int(options.more.get("rows", QUICK_ROWS if options.quick else ROWS))
    folder = options.work / f"c6-{count}"
    drawn = banking.drawn(rows, count)
    labels = sorted({row["label"] for row in drawn})
    source = banking.written(folder, "all", drawn, labels)["text"]
    train, validation = (banking.written(folder, side, part, labels) for side, part in sides(source, folder))
    space = QUICK_SPACE if options.quick else SPACE
    task = banking.task({**train, "text": source}, options, epochs=EPOCHS, rate=None)
    judge = banking.Judge(options, validation["tokens"])
    task["validation"] = str(validation["tokens"])
    grid = {"space": space}
    return [
        Bench(
            "C6",
            "",
            f"best of {_points(space)} LoRA configurations of minilm, {EPOCHS:g} epochs of "
            f"{len(banking.lengths(train['tokens']))} rows of banking77",
            _ours(options, task, space),
            {
                "best": _best(options, task, grid),
                "default": [Arm("HF Trainer + peft, all", options.peers, "optuna_hf.py", _with(task, grid))],
            },
            GOALS,
            judge=judge,
            quality="macro_f1",
            tolerance=TOLERANCE,
            first_loss=False,
            facts={"space": space, "rows": count, "chosen_by": len(banking.lengths(validation["tokens"]))},
        )
    ]


def sides(source: Path, folder: Path) -> list[tuple[str, list[banking.Row]]]:
    """Training and validation rows as the product checks, cleans and splits the file."""
    from tunesmith.data.checking import last
    from tunesmith.lifecycle import prepare as preparing
    from tunesmith.recipe import toml

    table = f'[data]\nsource = "{source}"\nsplit = {{ validation = {SHARE}, test = 0.0 }}\n'
    made = last(preparing.prepare(toml.loads(table), folder / "home"))
    named = (("train", made.train), ("validation", made.validation))
    return [
        (name, [{key: str(row.fields[key]) for key in ("text", "label")} for row in rows])
        for name, rows in named
    ]


def _points(space: dict[str, list[Any]]) -> int:
    return len(space["rates"]) * len(space["ranks"]) * len(space["batches"])


def _ours(options: Options, task: dict[str, Any], space: dict[str, list[Any]]) -> Arm:
    mine = {
        "space": space,
        "head": options.more.get("head", "random"),
        "halving": int(options.more.get("halving", 3)),
        "validation_share": SHARE,
    }
    work = {**_with(task, mine), "dtype": options.more.get("dtype", "auto")}
    return Arm("tunesmith sweep", options.ours, "ours_sweep.py", work)


def _best(options: Options, task: dict[str, Any], grid: dict[str, Any]) -> list[Arm]:
    """Like lengths together, the mean of the last states; each way to give up early."""
    fast = {**grid, "grouped": True, "pooling": "mean"}
    ways = {
        "HF Trainer + peft, grouped, Optuna Hyperband": {"pruner": "hyperband"},
        "HF Trainer + peft, grouped, Optuna median": {"pruner": "median"},
    }
    made = [
        Arm(name, options.peers, "optuna_hf.py", _with(task, {**fast, **way})) for name, way in ways.items()
    ]
    return made[:1] if options.quick else made


def _with(task: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    return {**task, "options": options}
