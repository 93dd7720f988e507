"""What all arms of a row read: random weights with a tokenizer of words t3, t4 …, and rows of token ids."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.gpu.shapes import Row

SEED = 20261121
FIRST = 3  # ids below are for padding and the ends of a text
ENDS = ("<pad>", "<s>", "</s>")
TOKENS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<pad>"}


def prepare(row: Row, folder: Path, steps: int) -> Path:
    """Write weights, tokenizer and rows for so many steps; the task file that arms are given."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"base-{hashlib.sha256(json.dumps(row.config).encode()).hexdigest()[:12]}"
    if not (base / "done").is_file():
        _weights(row.config, base)
        _tokenizer(row.config["vocab_size"], base)
        (base / "done").write_text("")
    task = folder / f"{row.name}.json"
    drawn = {"row": asdict(row), "base": str(base), "steps": steps, "rows": rows(row, steps)}
    task.write_text(json.dumps(drawn), encoding="utf-8")
    return task


def _weights(config: dict[str, Any], base: Path) -> None:
    import torch
    import transformers

    settings = {key: value for key, value in config.items() if key != "model_type"}
    made = transformers.AutoConfig.for_model(config["model_type"], **settings, pad_token_id=0)
    torch.manual_seed(SEED)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = transformers.AutoModelForCausalLM.from_config(made)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(base)


def _tokenizer(words: int, base: Path) -> None:
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    named = [*ENDS, *(f"t{index}" for index in range(FIRST, words))]
    known = Tokenizer(models.WordLevel({word: index for index, word in enumerate(named)}, unk_token="<pad>"))
    known.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    transformers.PreTrainedTokenizerFast(tokenizer_object=known, **TOKENS).save_pretrained(base)


def rows(row: Row, steps: int) -> list[dict[str, list[int]]]:
    """`steps` times as many rows as a step takes: prompt, answer and, of pairs, rejected; an answer ends with 2."""
    draw = random.Random(SEED)
    return [_row(row, draw) for _ in range(steps * row.rows)]


def _row(row: Row, draw: random.Random) -> dict[str, list[int]]:
    length = round(draw.lognormvariate(0.0, row.spread) * row.middle)
    length = min(max(length, 8), row.longest // 2 if row.pairs else row.longest)
    answer = max(2, round(length * row.answer))
    said = {"prompt": _ids(row, draw, length - answer), "answer": [*_ids(row, draw, answer - 1), 2]}
    if row.pairs:
        said["rejected"] = [*_ids(row, draw, max(1, round(answer * draw.uniform(0.6, 1.4)))), 2]
    return said


def _ids(row: Row, draw: random.Random, count: int) -> list[int]:
    return [draw.randrange(FIRST, row.config["vocab_size"]) for _ in range(count)]


def digest(found: list[list[int]]) -> str:
    """SHA-256 of token ids in row order."""
    return hashlib.sha256(json.dumps(found, separators=(",", ":")).encode()).hexdigest()


def sequences(drawn: list[dict[str, list[int]]]) -> list[list[int]]:
    """What is trained on: prompt and answer, and for pairs prompt and rejected after it."""
    return [each["prompt"] + each[name] for each in drawn for name in ("answer", "rejected") if name in each]


def counts(drawn: list[dict[str, list[int]]]) -> dict[str, float]:
    """Real tokens, a prompt once; pairs of tokens that see each other; learnt tokens."""
    tokens, seen, learnt = 0, 0.0, 0
    for each in drawn:
        prompt, answers = (
            len(each["prompt"]),
            [len(each[name]) for name in ("answer", "rejected") if name in each],
        )
        tokens += prompt + sum(answers)
        seen += sum((prompt + answer) ** 2 / 2 for answer in answers) - (len(answers) - 1) * prompt**2 / 2
        learnt += sum(answers)
    return {"tokens": tokens, "seen": seen, "learnt": learnt}
