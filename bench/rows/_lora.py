"""What C1 and C4 share: LoRA on the 135 M shape, the files of a run, the grid of its rate, a judge of the adapter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import processes
from bench.row import JUDGES, Arm, Bench, Goal, Options, Run
from bench.rows import _llama135 as llama

GRID = (1, 3, 10)
MICRO_TOKENS = 1024
ALIKE = 0.05  # nats a token: arms so near learn alike, and the fastest of them is the best
Row = tuple[list[int], int]  # ids, where the learnt part begins


def task(options: Options, files: Mapping[str, Path], **more: Any) -> dict[str, Any]:
    """What TASK.json says of the rows, the base and the machine."""
    return {
        **{key: str(files[key]) for key in ("weights", "tokens", "text")},
        "epochs": 1.0,
        "seed": 0,
        "threads": options.threads,
        "dtype": "auto",
        "options": {},
        **more,
    }


def arm(options: Options, name: str, script: str, work: Mapping[str, Any], **more: Any) -> Arm:
    """An arm in our python or the peers', with its own rate alone."""
    usual = options.ours if script.startswith("ours") else options.peers
    return Arm(name, more.pop("python", usual), script, work, **more)


def ours(options: Options, script: str, work: Mapping[str, Any]) -> Arm:
    """Our arm as a user may set it: what stays as it is in 8 bits, and few tokens at once, which holds less memory and
    is no slower.  `--set dtype=auto`: in the numbers that it chooses by itself."""
    chosen = {"dtype": options.more.get("dtype", "int8"), "options": {"train.micro_tokens": MICRO_TOKENS}}
    return arm(options, "tunesmith", script, {**work, **chosen})


def tried(options: Options, made: Arm, shorter: Mapping[str, Any]) -> Arm:
    """The arm with the grid of its rate; a quick run has none.  shorter: what the grid changes."""
    rates = () if options.quick else tuple(made.task["rate"] * times for times in GRID)
    return Arm(made.name, made.python, made.script, made.task, rates, shorter)


def bench(
    row: str,
    work: str,
    files: Mapping[str, Path],
    ours: Arm,
    peers: Mapping[str, Sequence[Arm]],
    goals: Sequence[Goal],
    judge: Callable[[Run], Mapping[str, Any]],
    useful: Callable[[Sequence[Row], float], float],
    held_out: int,
) -> Bench:
    """The one part of either row: seconds to load, prepare and train; loss on held-out rows by the judge."""
    rows = read(files["tokens"])
    return Bench(
        row,
        "",
        f"{work}, 135 M parameters with random weights",
        ours,
        peers,
        goals,
        seconds=llama.spent,
        judge=judge,
        quality="loss",
        better=-1,
        tolerance=ALIKE,
        flops=lambda run: useful(rows, run.arm.task["epochs"]),
        shapes=llama.shapes(),
        facts={"lengths": llama.lengths(rows), "learnt": learnt(rows), "held_out": held_out},
    )


# ---- rows ---------------------------------------------------------------------------------------------------------


def written(
    folder: Path, weights: Path, sides: Mapping[str, Sequence[Row]], texts: Iterable[Mapping[str, Any]]
) -> dict[str, Path]:
    """{weights, text, and a tokens file of each side}.  texts: the rows that are learnt from."""
    found = {name: folder / f"{name}.npz" for name in sides}
    for name, rows in sides.items():
        llama.write_tokens(found[name], rows)
    llama.write_lines(folder / "rows.jsonl", (dict(row) for row in texts))
    return {**found, "weights": weights, "text": folder / "rows.jsonl"}


def read(tokens: Path) -> list[Row]:
    """(ids, where the answer begins) of each row of a tokens file."""
    with np.load(tokens) as file:
        ids, offsets, starts = file["ids"].tolist(), file["offsets"].tolist(), file["starts"].tolist()
    return [(ids[a:b], start) for a, b, start in zip(offsets[:-1], offsets[1:], starts, strict=True)]


def learnt(rows: Sequence[Row]) -> int:
    """Tokens of answers."""
    return sum(len(ids) - start for ids, start in rows)


# ---- quality ------------------------------------------------------------------------------------------------------


def judge(
    options: Options, files: Mapping[str, Path], script: str, **more: Any
) -> Callable[[Run], dict[str, Any]]:
    """Of what a run saved, by a program of `bench/judges`, in float32.  more: what it wants to know besides."""
    about = {"weights": str(files["weights"]), "tokens": str(files["held_out"]), "threads": options.threads}
    return partial(_judged, options.ours, script, {**about, **more})


def _judged(python: str, script: str, about: Mapping[str, Any], run: Run) -> dict[str, Any]:
    adapter, place = run.folder / "out" / "adapter.safetensors", run.folder / "judge.json"
    place.write_text(json.dumps({**about, "adapter": str(adapter)}), encoding="utf-8")
    return processes.asked("the judge", [python, str(JUDGES / script), str(place)], run.folder)
