"""C1: LoRA on requests and their answers, a Llama of 135 M parameters with random weights, loss on the answers.

Rows: a seeded draw of 96 of bitext-support, lengths as they are there (half of them between 118 and 180 tokens; not
quite a lognormal law: short rows weigh more, the skewness of the logarithm is −1.0 over all 4,514 rows); each arm reads
those ids in its own order, 16 rows an update, rank 16, alpha 32 on every matrix.  Ours multiplies with frozen matrices
in 8 bits and computes 1,024 tokens at once (`--set dtype=auto`: the numbers that it chooses by itself).  Peers: TRL's
SFTTrainer at its defaults; at their best the Trainer of transformers, TRL and litgpt in float32, and in bfloat16 where
its products are no slower on this machine.  Learning rates are tried on the first 32 rows, for ours and the Trainer;
the other peers compute what the Trainer does and take its rate.  Quality: loss on held-out rows by a neutral judge;
with random weights it only says that all arms learn alike.  `--set rows=N` takes so many rows, `--set litgpt=PYTHON`
names the python that has litgpt, `--set compile=1` tries torch.compile too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _llama135 as llama
from bench.rows import _lora as lora
from bench.rows import _numbers

MINUTES = 13
ROWS, HELD_OUT = 96, 32  # learnt from, judged: the slowest default takes four minutes on two cores
QUICK, QUICK_HELD_OUT = 16, 16
GRID_ROWS = 32  # the first of those that are learnt from
BATCH = 16
RATE, DEFAULT_RATE = 5e-4, 2e-5  # the tuning's own; TRL's default
GOALS = (
    Goal("default", 8.0),
    Goal("best", 2.0, 3.0),
    Goal("leanest", 1.0, 1 / 0.7, "peak"),
)


def prepare(options: Options) -> Sequence[Bench]:
    """One part: seconds to load, prepare and train.  `--set rows=N`: another number of rows."""
    count, judged_rows = (QUICK, QUICK_HELD_OUT) if options.quick else (ROWS, HELD_OUT)
    count = int(options.more.get("rows", count))
    files = inputs(options, count, judged_rows)
    task = lora.task(options, files, rate=RATE, batch=BATCH)
    few = {"tokens": str(files["few"]), "text": str(files["few_text"])}
    ours = lora.tried(options, lora.ours(options, "ours_sft.py", task), few)
    work = f"LoRA (rank {llama.RANK}) on {count} rows of bitext-support, {BATCH} an update, one epoch"
    peers = {"best": best(options, task, few), "default": [default(options, task)]}
    judge = lora.judge(options, files, "likelihood.py")
    return [lora.bench("C1", work, files, ours, peers, GOALS, judge, useful, judged_rows)]


def default(options: Options, task: dict[str, Any]) -> Arm:
    """TRL as it comes, its rate too, but for 16 rows an update (8 at once, twice)."""
    rate = RATE if options.quick else DEFAULT_RATE
    work = {**task, "dtype": "autocast", "rate": rate}
    return lora.arm(options, "TRL SFTTrainer, defaults", "trl_sft.py", work)


def best(options: Options, task: dict[str, Any], few: dict[str, str]) -> list[Arm]:
    """Peers with all that made them faster here: no checkpointing, like lengths together, the faster number type."""
    fast: dict[str, Any] = {"grouped": True, "together": 8}
    lean = {**fast, "checkpointing": False, "fused": True}
    found = []
    for dtype in _numbers.dtypes(options, llama.shapes()):
        mine, name = {**task, "dtype": dtype}, f"HF Trainer, {dtype}, grouped"
        first = lora.arm(options, name, "hf_sft.py", {**mine, "options": fast})
        found.append(lora.tried(options, first, few))
        if options.quick:
            return found
        ways = {f"TRL SFTTrainer, {dtype}, tuned": ("trl_sft.py", {**mine, "options": lean})}
        if dtype == "bfloat16":
            cast = {**mine, "dtype": "autocast", "options": fast}
            ways["HF Trainer, bfloat16 autocast, grouped"] = ("hf_sft.py", cast)
        if options.more.get("compile"):
            compiled = {**mine, "options": {**fast, "compile": True}}
            ways[f"{name}, compiled"] = ("hf_sft.py", compiled)
        found += [lora.arm(options, way, *each, like=name, shorter=few) for way, each in ways.items()]
        found.append(litgpt(options, {**mine, "options": {"together": 8}}, like=name, shorter=few))
    return found


def litgpt(options: Options, task: dict[str, Any], **more: Any) -> Arm:
    """litgpt's own model and LoRA.  It wants other libraries than TRL: `--set litgpt=PYTHON` names its python."""
    python = options.more.get("litgpt", "")
    cannot = "" if python else "litgpt needs a Python of its own: --set litgpt=PYTHON"
    name = f"litgpt, {task['dtype']}, sorted"
    python = python or options.peers
    return lora.arm(options, name, "litgpt_sft.py", task, python=python, cannot=cannot, **more)


# ---- rows ---------------------------------------------------------------------------------------------------------


def inputs(options: Options, count: int, judged_rows: int) -> dict[str, Path]:
    """The files of a run: weights, tokens, text, held_out, and few for the grid.  The base is made once in the folder
    of work."""
    known = pairs(options.shared)
    drawn = llama.sample(known, judged_rows + count)
    held_out, rows = drawn[:judged_rows], drawn[judged_rows:]
    folder = options.work / f"c1-{llama.digest(known, llama.CONFIG)}"
    weights = llama.base(folder / "base", (text for pair in known for text in pair))
    encode = llama.encoder(weights)
    sides = {"tokens": rows, "few": rows[:GRID_ROWS], "held_out": held_out}
    tokens = {name: [encode(*pair) for pair in each] for name, each in sides.items()}
    texts = [{"prompt": ask, "completion": answer} for ask, answer in rows]
    llama.write_lines(folder / "few.jsonl", texts[:GRID_ROWS])
    return {**lora.written(folder, weights, tokens, texts), "few_text": folder / "few.jsonl"}


def pairs(shared: Path) -> list[llama.Pair]:
    """(request with the line's end, answer) of each different row."""
    rows = llama.lines(shared / "data" / "bitext-support" / "all.jsonl.gz")
    found = {
        (row["instruction"].strip() + "\n", row["response"].replace("\r\n", "\n").strip()): None
        for row in rows
    }
    return [pair for pair in found if all(text.strip() for text in pair)]


def useful(rows: Sequence[lora.Row], epochs: float) -> float:
    """Useful FLOPs of training."""
    tokens, seen = sum(len(ids) for ids, _ in rows), sum(len(ids) * (len(ids) + 1) / 2 for ids, _ in rows)
    return epochs * llama.flops(tokens, seen, lora.learnt(rows))
