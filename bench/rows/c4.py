"""C4: DPO with LoRA for three epochs on pairs of answers, a Llama of 135 M parameters with random weights.

Rows: a seeded draw of hh-rlhf-harmless whose prompt and longer answer fit 384 tokens; the others are left out for every
arm.  8 pairs an update, beta 0.1, rank 16 and alpha 32 on every matrix.  Peers: TRL's DPOTrainer at its defaults; at
its best without checkpointing, with the reference computed once before the first step and pairs of like length
together, in float32, and in bfloat16 where its products are no slower on this machine.  The time of the reference
counts for every arm.  Quality: DPO loss and reward accuracy on held-out pairs by a neutral judge; with random weights
they only say that all arms learn alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import processes
from bench.row import JUDGES, Arm, Bench, Goal, Options, Run
from bench.rows import _llama135 as llama
from bench.rows import c1

PAIRS, HELD_OUT = 16, 48  # learnt from, judged: the slowest default takes less than five minutes on two cores
QUICK, QUICK_HELD_OUT = 8, 12
BATCH, EPOCHS, BETA = 8, 3.0, 0.1
LONGEST = 384  # tokens of a prompt with an answer
RATE, DEFAULT_RATE = 6.25e-5, 1e-6  # the tuning's own at the share of the objective; TRL's default
SPEAKERS = {"user": "Human", "assistant": "Assistant"}
GOALS = (
    Goal("default", 10.0),
    Goal("best", 2.5, 4.0),
    Goal("leanest", 1.0, 1 / 0.7, "peak"),
)
Triple = tuple[str, str, str]  # prompt, chosen, rejected
Row = tuple[list[int], int]


def prepare(options: Options) -> Sequence[Bench]:
    """One part: seconds to load, prepare (the reference included) and train.  `--set rows=N`: so many pairs."""
    count, judged_pairs = (QUICK, QUICK_HELD_OUT) if options.quick else (PAIRS, HELD_OUT)
    files = inputs(options, int(options.more.get("rows", count)), judged_pairs)
    task = {
        **{key: str(files[key]) for key in ("weights", "tokens", "text")},
        "rate": RATE,
        "epochs": 1.0 if options.quick else EPOCHS,
        "batch": BATCH,
        "beta": BETA,
        "seed": 0,
        "threads": options.threads,
        "dtype": "auto",
        "options": {},
    }
    rows = c1.read(files["tokens"])
    return [
        Bench(
            "C4",
            "",
            f"DPO with LoRA (rank {llama.RANK}) on {len(rows) // 2} pairs of hh-rlhf-harmless, {BATCH} an update, "
            f"{task['epochs']:g} epochs, 135 M parameters with random weights",
            c1.arm(options, "tunesmith", "ours_dpo.py", task),
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
                "learnt": c1.learnt(rows),
                "held_out": len(c1.read(files["held_out"])) // 2,
            },
        )
    ]


def default(options: Options, task: dict[str, Any]) -> Arm:
    """TRL as it comes: 8 pairs at once are an update."""
    rate = RATE if options.quick else DEFAULT_RATE
    return c1.arm(
        options, "TRL DPOTrainer, defaults", "trl_dpo.py", {**task, "dtype": "autocast", "rate": rate}
    )


def best(options: Options, task: dict[str, Any]) -> list[Arm]:
    """TRL with all that made it faster here."""
    fast = {"checkpointing": False, "precomputed": True, "grouped": True, "fused": True, "together": 4}
    found = [
        c1.arm(
            options,
            f"TRL DPOTrainer, {dtype}, tuned",
            "trl_dpo.py",
            {**task, "dtype": dtype, "options": fast},
        )
        for dtype in c1.dtypes(options)
    ]
    return found[:1] if options.quick else found


# ---- rows ---------------------------------------------------------------------------------------------------------


def inputs(options: Options, count: int, judged_pairs: int) -> dict[str, Path]:
    """The files of a run: weights, tokens, text, held_out.  The base is made once in the folder of work."""
    known = triples(options.shared)
    folder = options.work / f"c4-{llama.digest(known, llama.CONFIG)}"
    weights = llama.base(folder / "base", (text for row in known for text in row))
    encode = llama.encoder(weights)
    drawn = llama.sample([row for row in known if fits(encode, row)], judged_pairs + count)
    held_out, rows = drawn[:judged_pairs], drawn[judged_pairs:]
    for name, some in (("tokens", rows), ("held_out", held_out)):
        llama.write_tokens(folder / f"{name}.npz", [each for row in some for each in sides(encode, row)])
    names = ("prompt", "chosen", "rejected")
    llama.write_lines(folder / "rows.jsonl", (dict(zip(names, row, strict=True)) for row in rows))
    found = {"weights": weights, "tokens": folder / "tokens.npz", "text": folder / "rows.jsonl"}
    return {**found, "held_out": folder / "held_out.npz"}


def triples(shared: Path) -> list[Triple]:
    """Each different prompt with its two answers, as texts: a speaker's name before what is said."""
    found: dict[Triple, None] = {}
    for row in llama.lines(shared / "data" / "hh-rlhf-harmless" / "test.jsonl.gz"):
        said = [f"{SPEAKERS[turn['role']]}: {turn['content'].strip()}" for turn in row["prompt"]]
        answers = [row[side][0]["content"].strip() for side in ("chosen", "rejected")]
        single = all(len(row[side]) == 1 for side in ("chosen", "rejected"))
        if single and all(answers) and answers[0] != answers[1]:
            found["\n".join([*said, "Assistant:\n"]), answers[0], answers[1]] = None
    return list(found)


def sides(encode: Any, row: Triple) -> list[Row]:
    """The prompt with the chosen answer, and with the rejected one."""
    return [encode(row[0], row[1]), encode(row[0], row[2])]


def fits(encode: Any, row: Triple) -> bool:
    """Whether both answers have room with the whole prompt."""
    return max(len(ids) for ids, _ in sides(encode, row)) <= LONGEST


def useful(rows: Sequence[Row], epochs: float) -> float:
    """Useful FLOPs of training: the prompt once for both answers.  The reference is made before, and counts as time."""
    tokens = seen = learnt = 0.0
    for (first, start), (second, _) in zip(rows[::2], rows[1::2], strict=True):
        answers = [len(first) - start, len(second) - start]
        tokens += start + sum(answers)
        seen += start * (start + 1) / 2 + sum(size * start + size * (size + 1) / 2 for size in answers)
        learnt += sum(answers)
    return epochs * llama.flops(tokens, seen, learnt)


# ---- quality ------------------------------------------------------------------------------------------------------


def judged(options: Options, files: dict[str, Path], run: Run) -> dict[str, Any]:
    """DPO loss and reward accuracy on the held-out pairs, in float32."""
    adapter = run.folder / "out" / "adapter.safetensors"
    task = {"weights": str(files["weights"]), "adapter": str(adapter), "tokens": str(files["held_out"])}
    place = run.folder / "judge.json"
    more = {"threads": options.threads, "beta": BETA}
    place.write_text(json.dumps({**task, **more}), encoding="utf-8")
    return processes.asked("the judge", [options.ours, str(JUDGES / "preference.py"), str(place)], run.folder)
