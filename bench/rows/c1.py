"""C1: LoRA on requests and their answers, a Llama of 135 M parameters with random weights, loss on the answers.

Rows: a seeded draw of bitext-support, lengths as they are there (half of them between 118 and 180 tokens; not quite a
lognormal law: short rows weigh more, the skewness of the logarithm is −1.0 over all 4,514 rows); each arm reads those
ids in its own order, 16 rows an update, rank 16, alpha 32 on every matrix.  Peers: TRL's SFTTrainer at its defaults;
at their best the Trainer of transformers, TRL and litgpt in float32, and in bfloat16 where its products are no slower
on this machine.  Quality: loss on held-out rows by a neutral judge; with random weights it only says that all arms
learn alike.  `--set rows=N` takes so many rows, `--set litgpt=PYTHON` names the python that has litgpt, `--set
compile=1` tries torch.compile too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import processes
from bench.row import JUDGES, Arm, Bench, Goal, Options, Run
from bench.rows import _llama135 as llama

ROWS, HELD_OUT = 128, 64  # learnt from, judged: the slowest default takes less than five minutes on two cores
QUICK, QUICK_HELD_OUT = 48, 16
BATCH = 16
RATE, DEFAULT_RATE = 5e-4, 2e-5  # the tuning's own; TRL's default
GRID = (1, 3, 10)
SHORTER = {"epochs": 0.5}  # of the grid
GOALS = (
    Goal("default", 8.0),
    Goal("best", 2.0, 3.0),
    Goal("leanest", 1.0, 1 / 0.7, "peak"),
)
WIN = 0.95  # share of float32's speed below which bfloat16 is not tried


def prepare(options: Options) -> Sequence[Bench]:
    """One part: seconds to load, prepare and train.  `--set rows=N`: another number of rows."""
    count, judged_rows = (QUICK, QUICK_HELD_OUT) if options.quick else (ROWS, HELD_OUT)
    files = inputs(options, int(options.more.get("rows", count)), judged_rows)
    task = {
        **{key: str(files[key]) for key in ("weights", "tokens", "text")},
        "rate": RATE,
        "epochs": 1.0,
        "batch": BATCH,
        "seed": 0,
        "threads": options.threads,
        "dtype": "auto",
        "options": {},
    }
    rows = read(files["tokens"])
    ours = arm(options, "tunesmith", "ours_sft.py", task)
    return [
        Bench(
            "C1",
            "",
            f"LoRA (rank {llama.RANK}) on {len(rows)} rows of bitext-support, {BATCH} an update, one epoch, 135 M "
            "parameters with random weights",
            ours,
            {"default": [default(options, task)], "best": best(options, task)},
            GOALS,
            seconds=llama.spent,
            judge=partial(judged, options, files),
            quality="loss",
            better=-1,
            flops=lambda run: useful(rows, run.arm.task["epochs"]),
            shapes=llama.shapes(),
            facts={
                "lengths": llama.lengths(rows),
                "learnt": learnt(rows),
                "held_out": len(read(files["held_out"])),
            },
        )
    ]


def arm(options: Options, name: str, script: str, task: dict[str, Any], **more: Any) -> Arm:
    """An arm with the grid of its rate; a quick run has none.  Ours runs in our python, others in the peers'."""
    usual = options.ours if script.startswith("ours") else options.peers
    python = more.pop("python", usual)
    rates = () if options.quick else tuple(task["rate"] * times for times in GRID)
    return Arm(name, python, script, task, rates=rates, shorter=SHORTER, **more)


def default(options: Options, task: dict[str, Any]) -> Arm:
    """TRL as it comes, but for 16 rows an update (8 at once, twice)."""
    rate = RATE if options.quick else DEFAULT_RATE
    return arm(options, "TRL SFTTrainer, defaults", "trl_sft.py", {**task, "dtype": "autocast", "rate": rate})


def best(options: Options, task: dict[str, Any]) -> list[Arm]:
    """Peers with all that made them faster here: no checkpointing, like lengths together, the faster number type."""
    fast: dict[str, Any] = {"grouped": True, "together": 8}
    lean = {**fast, "checkpointing": False, "fused": True}
    found = []
    for dtype in dtypes(options):
        mine = {**task, "dtype": dtype}
        found += [
            arm(options, f"HF Trainer, {dtype}, grouped", "hf_sft.py", {**mine, "options": fast}),
            arm(options, f"TRL SFTTrainer, {dtype}, tuned", "trl_sft.py", {**mine, "options": lean}),
        ]
        if options.quick:
            return found[:1]
        found.append(litgpt(options, {**mine, "options": {"together": 8}}))
        if dtype == "bfloat16":
            cast = {**mine, "dtype": "autocast", "options": fast}
            found.append(arm(options, "HF Trainer, bfloat16 autocast, grouped", "hf_sft.py", cast))
        if options.more.get("compile"):
            compiled = {**mine, "options": {**fast, "compile": True}}
            found.append(arm(options, f"HF Trainer, {dtype}, grouped, compiled", "hf_sft.py", compiled))
    return found


def litgpt(options: Options, task: dict[str, Any]) -> Arm:
    """litgpt's own model and LoRA.  It wants other libraries than TRL: `--set litgpt=PYTHON` names its python."""
    python = options.more.get("litgpt", "")
    cannot = "" if python else "litgpt needs a Python of its own: --set litgpt=PYTHON"
    name = f"litgpt, {task['dtype']}, sorted"
    return arm(options, name, "litgpt_sft.py", task, python=python or options.peers, cannot=cannot)


def dtypes(options: Options) -> list[str]:
    """float32, and bfloat16 where its products are about as fast on this machine or faster; the faster one first."""
    command = [
        options.ours,
        str(JUDGES.parent / "hardware.py"),
        str(options.threads),
        json.dumps(llama.shapes()),
    ]
    peaks = processes.asked("the peak's probe", command, options.work)
    tried = [name for name in ("float32", "bfloat16") if peaks[name] > WIN * peaks["float32"]]
    return sorted(tried, key=lambda name: -peaks[name])


# ---- rows ---------------------------------------------------------------------------------------------------------


def inputs(options: Options, count: int, judged_rows: int) -> dict[str, Path]:
    """The files of a run: weights, tokens, text, held_out.  The base is made once in the folder of work."""
    known = pairs(options.shared)
    drawn = llama.sample(known, judged_rows + count)
    held_out, rows = drawn[:judged_rows], drawn[judged_rows:]
    folder = options.work / f"c1-{llama.digest(known, llama.CONFIG)}"
    weights = llama.base(folder / "base", (text for pair in known for text in pair))
    encode = llama.encoder(weights)
    llama.write_tokens(folder / "tokens.npz", [encode(*pair) for pair in rows])
    llama.write_tokens(folder / "held_out.npz", [encode(*pair) for pair in held_out])
    llama.write_lines(folder / "rows.jsonl", ({"prompt": ask, "completion": answer} for ask, answer in rows))
    found = {"weights": weights, "tokens": folder / "tokens.npz", "text": folder / "rows.jsonl"}
    return {**found, "held_out": folder / "held_out.npz"}


def pairs(shared: Path) -> list[llama.Pair]:
    """(request with the line's end, answer) of each different row."""
    rows = llama.lines(shared / "data" / "bitext-support" / "all.jsonl.gz")
    found = {
        (row["instruction"].strip() + "\n", row["response"].replace("\r\n", "\n").strip()): None
        for row in rows
    }
    return [pair for pair in found if all(text.strip() for text in pair)]


def read(tokens: Path) -> list[tuple[list[int], int]]:
    """(ids, where the answer begins) of each row of a tokens file."""
    with np.load(tokens) as file:
        ids, offsets, starts = file["ids"].tolist(), file["offsets"].tolist(), file["starts"].tolist()
    return [(ids[a:b], start) for a, b, start in zip(offsets[:-1], offsets[1:], starts, strict=True)]


def learnt(rows: Sequence[tuple[list[int], int]]) -> int:
    """Tokens of answers."""
    return sum(len(ids) - start for ids, start in rows)


def useful(rows: Sequence[tuple[list[int], int]], epochs: float) -> float:
    """Useful FLOPs of training."""
    tokens, seen = sum(len(ids) for ids, _ in rows), sum(len(ids) * (len(ids) + 1) / 2 for ids, _ in rows)
    return epochs * llama.flops(tokens, seen, learnt(rows))


# ---- quality ------------------------------------------------------------------------------------------------------


def judged(options: Options, files: dict[str, Path], run: Run) -> dict[str, Any]:
    """Loss on the held-out rows, in float32."""
    adapter = run.folder / "out" / "adapter.safetensors"
    task = {"weights": str(files["weights"]), "adapter": str(adapter), "tokens": str(files["held_out"])}
    place = run.folder / "judge.json"
    place.write_text(json.dumps({**task, "threads": options.threads}), encoding="utf-8")
    return processes.asked("the judge", [options.ours, str(JUDGES / "likelihood.py"), str(place)], run.folder)
