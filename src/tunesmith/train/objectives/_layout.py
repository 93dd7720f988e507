"""Prompts with several answers as tensors: the prompt once where the family allows it, else once for each answer.

Axes: B rows of the batch, T tokens, N supervised tokens, A answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.parts import Net, Tensor
from tunesmith.train.objectives._rows import Asked


def length(row: Asked, *, shared: bool) -> int:
    """Tokens that a row costs."""
    sizes = [len(said.ids) for said in row.answers]
    if shared:
        return len(row.prompt) - 1 + sum(sizes) + len(sizes)
    return len(sizes) * (len(row.prompt) + max(sizes))


def tensors(rows: Sequence[Asked], pad: int, *, shared: bool) -> dict[str, Any]:
    """ids, mask, weights, answer [B, T] (which answer of the batch a token belongs to), sizes float32 [A], and for a
    shared prompt positions [B, T] and blocks [B, T, T] (True: may be seen).

    Answers are numbered row by row, in the order in which the rows hold them.
    """
    torch = doors.open("torch")
    made = _shared(rows, pad) if shared else _apart(rows, pad)
    sizes = np.array([said.size for row in rows for said in row.answers], np.float32)
    return {name: torch.from_numpy(array) for name, array in {**made, "sizes": sizes}.items()}


def answer_sums(net: Net, tensors: Mapping[str, Any]) -> Tensor:
    """Log-probability of each answer [A]: a sum over its tokens, with gradient."""
    from tunesmith.nn import preference_losses

    logprobs, _, _ = net.token_logprobs(tensors)
    learnt = tensors["weights"] != 0
    return preference_losses.answer_sums(
        logprobs, tensors["weights"][learnt], tensors["answer"][learnt], len(tensors["sizes"])
    )


def _apart(rows: Sequence[Asked], pad: int) -> dict[str, np.ndarray]:
    """Each answer after a prompt of its own."""
    pairs = [(row.prompt, said) for row in rows for said in row.answers]
    shape = (len(pairs), max(len(prompt) + len(said.ids) for prompt, said in pairs))
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    weights, answer = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    for number, (prompt, said) in enumerate(pairs):
        start, end = len(prompt), len(prompt) + len(said.ids)
        ids[number, :start], ids[number, start:end] = prompt, said.ids
        mask[number, :end], weights[number, start:end] = 1, said.weights
        answer[number] = number
    return {"ids": ids, "mask": mask, "weights": weights, "answer": answer}


def _shared(rows: Sequence[Asked], pad: int) -> dict[str, np.ndarray]:
    """All answers after one prompt: each sees the prompt and itself, and stands at the positions that follow it.

    A token is told from the one that stands before it, so each answer begins with a copy of the prompt's last token.
    """
    shape, number = (len(rows), max(length(row, shared=True) for row in rows)), 0
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    weights, answer = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    positions = np.zeros(shape, np.int64)
    # padding sees itself, so that no softmax is over nothing
    blocks = np.eye(shape[1], dtype=bool)[None].repeat(len(rows), 0)
    for at, row in enumerate(rows):
        *common, last = row.prompt
        start = end = len(common)
        ids[at, :end], positions[at, :end] = common, np.arange(end)
        blocks[at, :end, :end] = np.tri(end, dtype=bool)
        for said in row.answers:
            mine = slice(end, end + 1 + len(said.ids))
            ids[at, mine], weights[at, mine] = (last, *said.ids), (0.0, *said.weights)
            positions[at, mine], answer[at, mine] = np.arange(start, start + 1 + len(said.ids)), number
            blocks[at, mine, :start], blocks[at, mine, mine] = True, np.tri(1 + len(said.ids), dtype=bool)
            end, number = mine.stop, number + 1
        mask[at, :end] = 1
    return {
        **{"ids": ids, "mask": mask, "weights": weights, "answer": answer},
        **{"positions": positions, "blocks": blocks},
    }
