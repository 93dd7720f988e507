"""C4: DPO with LoRA for three epochs on pairs of answers, a Llama of 135 M parameters with random weights.

Rows: a seeded draw of 8 pairs of hh-rlhf-harmless whose prompt and longer answer fit 256 tokens; the others are left
out for every arm.  All 8 are an update, beta 0.1, rank 16 and alpha 32 on every matrix.  Ours multiplies with frozen
matrices in 8 bits and computes 1,024 tokens at once (`--set dtype=auto`: the numbers that it chooses by itself).
Peers: TRL's DPOTrainer at its defaults; at its best without checkpointing, with the reference computed once before the
first step and pairs of like length together, in float32, and in bfloat16 where its products are no slower on this
machine.  The time of the reference counts for every arm.  Learning rates are tried for two epochs.  Quality: DPO loss
and reward accuracy on held-out pairs by a neutral judge; with random weights they only say that all arms learn alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.row import Arm, Bench, Goal, Options
from bench.rows import _llama135 as llama
from bench.rows import _lora as lora
from bench.rows import _numbers

MINUTES = 14
PAIRS, HELD_OUT = 8, 24  # learnt from, judged: the slowest default takes four minutes on two cores
QUICK, QUICK_HELD_OUT = 6, 12
BATCH, EPOCHS, GRID_EPOCHS, BETA = 8, 3.0, 2.0, 0.1
LONGEST = 256  # tokens of a prompt with an answer
RATE, DEFAULT_RATE = 6.25e-5, 1e-6  # the tuning's own at the share of the objective; TRL's default
SPEAKERS = {"user": "Human", "assistant": "Assistant"}
GOALS = (
    Goal("default", 10.0),
    Goal("best", 2.5, 4.0),
    Goal("leanest", 1.0, 1 / 0.7, "peak"),
)
Triple = tuple[str, str, str]  # prompt, chosen, rejected


def prepare(options: Options) -> Sequence[Bench]:
    """One part: seconds to load, prepare (the reference included) and train.  `--set rows=N`: so many pairs."""
    count, judged_pairs = (QUICK, QUICK_HELD_OUT) if options.quick else (PAIRS, HELD_OUT)
    count = int(options.more.get("rows", count))
    files = inputs(options, count, judged_pairs)
    epochs = 1.0 if options.quick else EPOCHS
    task = lora.task(options, files, rate=RATE, batch=BATCH, beta=BETA, epochs=epochs)
    ours = _tried(options, lora.ours(options, "ours_dpo.py", task))
    work = f"DPO with LoRA (rank {llama.RANK}) on {count} pairs of hh-rlhf-harmless, {BATCH} an update, "
    work += f"{epochs:g} epochs"
    peers = {"best": best(options, task), "default": [default(options, task)]}
    judge = lora.judge(options, files, "preference.py", beta=BETA)
    return [lora.bench("C4", work, files, ours, peers, GOALS, judge, useful, judged_pairs)]


def default(options: Options, task: dict[str, Any]) -> Arm:
    """TRL as it comes, its rate too: 8 pairs at once are an update."""
    work = {**task, "dtype": "autocast", "rate": RATE if options.quick else DEFAULT_RATE}
    return lora.arm(options, "TRL DPOTrainer, defaults", "trl_dpo.py", work)


def best(options: Options, task: dict[str, Any]) -> list[Arm]:
    """TRL with all that made it faster here."""
    fast = {"checkpointing": False, "precomputed": True, "grouped": True, "fused": True, "together": 4}
    found = []
    for dtype in _numbers.dtypes(options, llama.shapes()):
        work = {**task, "dtype": dtype, "options": fast}
        made = lora.arm(options, f"TRL DPOTrainer, {dtype}, tuned", "trl_dpo.py", work)
        found.append(_tried(options, made))
    return found[:1] if options.quick else found


def _tried(options: Options, made: Arm) -> Arm:
    return lora.tried(options, made, {"epochs": GRID_EPOCHS})


# ---- rows ---------------------------------------------------------------------------------------------------------


def inputs(options: Options, count: int, judged_pairs: int) -> dict[str, Path]:
    """The files of a run: weights, tokens, text, held_out.  The base is made once in the folder of work."""
    known = triples(options.shared)
    folder = options.work / f"c4-{llama.digest(known, llama.CONFIG)}"
    weights = llama.base(folder / "base", (text for row in known for text in row))
    encode = llama.encoder(weights)
    drawn = llama.sample([row for row in known if fits(encode, row)], judged_pairs + count)
    parts = {"tokens": drawn[judged_pairs:], "held_out": drawn[:judged_pairs]}
    tokens = {name: [each for row in rows for each in sides(encode, row)] for name, rows in parts.items()}
    texts = [{"prompt": ask, "chosen": good, "rejected": bad} for ask, good, bad in parts["tokens"]]
    return lora.written(folder, weights, tokens, texts)


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


def sides(encode: Any, row: Triple) -> list[lora.Row]:
    """The prompt with the chosen answer, and with the rejected one."""
    return [encode(row[0], row[1]), encode(row[0], row[2])]


def fits(encode: Any, row: Triple) -> bool:
    """Whether both answers have room with the whole prompt."""
    return max(len(ids) for ids, _ in sides(encode, row)) <= LONGEST


def useful(rows: Sequence[lora.Row], epochs: float) -> float:
    """Useful FLOPs of training: the prompt once for both answers.  The reference is made before, and counts as time."""
    tokens = seen = learnt = 0.0
    for (first, start), (second, _) in zip(rows[::2], rows[1::2], strict=True):
        answers = [len(first) - start, len(second) - start]
        tokens += start + sum(answers)
        seen += start * (start + 1) / 2 + sum(size * start + size * (size + 1) / 2 for size in answers)
        learnt += sum(answers)
    return epochs * llama.flops(tokens, seen, learnt)
