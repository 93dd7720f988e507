"""Prompts with several answers as tensors: the prompt once where the family allows it, else once for each answer.

Axes: B rows of the batch, R rows with an answer each, A answers of a row, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith import doors
from tunesmith.parts import Net, Tensor
from tunesmith.train.objectives._rows import Asked


def length(row: Asked, *, shared: bool) -> int:
    """Tokens that a row costs."""
    sizes = [len(said.ids) for said in row.answers]
    if shared:
        return len(row.prompt) - 1 + sum(sizes) + len(sizes)
    return len(sizes) * (len(row.prompt) + max(sizes))


def longest(row: Asked) -> int:
    """Tokens of the prompt and its longest answer."""
    return len(row.prompt) + max(len(said.ids) for said in row.answers)


def tensors(rows: Sequence[Asked], pad: int, *, shared: bool) -> dict[str, Any]:
    """What a causal model reads (`nn/shared_prompt.py`), and sizes float32 [B, A]: tokens of each answer that count.

    All rows have as many answers.
    """
    from tunesmith.nn import shared_prompt

    torch = doors.open("torch")
    sizes = torch.tensor([[said.size for said in row.answers] for row in rows])
    apart = [[said] for row in rows for said in row.answers]
    parts = [list(row.answers) for row in rows] if shared else apart
    prompts = [row.prompt for row in rows] if shared else [row.prompt for row in rows for _ in row.answers]
    laid = [
        shared_prompt.layout(prompt, [each.ids for each in said], [each.weights for each in said])
        for prompt, said in zip(prompts, parts, strict=True)
    ]
    made = shared_prompt.collate(laid, pad)
    if not shared:  # a plain sequence: the usual mask and the usual positions
        made = {name: tensor for name, tensor in made.items() if name not in ("positions", "blocks")}
    return {**made, "sizes": sizes}


def answer_sums(net: Net, tensors: Mapping[str, Any]) -> Tensor:
    """Log-probability of each answer float32 [B, A]: a sum over its tokens that count, with gradient."""
    from tunesmith.nn import shared_prompt

    logprobs, _, _ = net.token_logprobs(tensors)
    shape = tensors["sizes"].shape
    return shared_prompt.per_answer(logprobs, tensors, shape.numel() // len(tensors["ids"])).reshape(shape)
