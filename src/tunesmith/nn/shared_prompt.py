"""Several answers to one prompt in one sequence: the prompt is computed once, and no answer sees another.

    tokens      p0 p1 p2 | p3 a0 a1 | p3 b0 b1 b2
    positions    0  1  2 |  3  4  5 |  3  4  5  6
    answers     -1 -1 -1 |  0  0  0 |  1  1  1  1

The last token of the prompt stands at the head of each answer, so that every token is told from the one before it, as
in a plain sequence.  Log-probabilities and gradients are those of the plain sequences.  Sharing between the two answers
of a pair: "Accelerating Direct Preference Optimization with Prefix Sharing" (2024, arXiv 2410.20305).

Axes: B rows, T tokens, N supervised tokens, A answers of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

PROMPT = -1  # whose token it is that every answer sees
PADDING = -2

# families whose attention reads nothing but the given mask and the given positions: tests compare their gradients with
# those of plain sequences; any other family is given plain sequences
KNOWN = frozenset(
    (
        *(
            "arcee",
            "cohere",
            "ernie4_5",
            "exaone4",
            "falcon",
            "gemma",
            "gemma2",
            "gemma3_text",
            "glm",
            "gpt2",
        ),
        *(
            "gpt_bigcode",
            "gpt_neox",
            "gptj",
            "granite",
            "helium",
            "llama",
            "mistral",
            "mixtral",
            "nemotron",
            "olmo",
        ),
        *(
            "olmo2",
            "olmo3",
            "opt",
            "persimmon",
            "phi",
            "phi3",
            "qwen2",
            "qwen3",
            "seed_oss",
            "smollm3",
            "stablelm",
        ),
        *("starcoder2", "xglm"),
    )
)
# how a configuration says that some layers see less than everything
WINDOWS = ("sliding_window", "attention_chunk_size")


@dataclass(frozen=True, slots=True)
class Layout:
    """One sequence of a prompt and its answers; all four are parallel [T].

    answers: whose token it is, `PROMPT` where all see it.  weights: what it counts as a target.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    answers: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def blocks(self) -> torch.Tensor:
        """Which token (second axis) each token may see: bool [T, T]."""
        return _blocks(torch.tensor([self.answers]))[0]


def common(sequences: Sequence[Sequence[int]], weights: Sequence[Sequence[float]]) -> int:
    """How many tokens at their beginning all sequences share, none of them a target in any."""
    count = 0
    for ids, counts in zip(zip(*sequences, strict=False), zip(*weights, strict=False), strict=False):
        if len(set(ids)) > 1 or any(counts):
            break
        count += 1
    return count


def layout(
    prompt: Sequence[int],
    answers: Sequence[Sequence[int]],
    weights: Sequence[Sequence[float]] | None = None,
) -> Layout:
    """A prompt and its answers as one sequence.

    weights: what each token of each answer counts; 1 where nobody says.  Raises ValueError where an answer and its
    weights differ in length, and where there is no prompt: the first token of an answer would have nothing before it.
    """
    if not prompt:
        raise ValueError("answers can't share an empty prompt; at least one token must stand before them")
    counts = weights if weights is not None else [[1.0] * len(answer) for answer in answers]
    parts = [([*prompt[:-1]], range(len(prompt) - 1), PROMPT, [0.0] * (len(prompt) - 1))]
    for index, (answer, counted) in enumerate(zip(answers, counts, strict=True)):
        if len(answer) != len(counted):
            raise ValueError(f"answer {index} has {len(answer)} tokens and {len(counted)} weights")
        places = range(len(prompt) - 1, len(prompt) + len(answer))
        parts.append(([prompt[-1], *answer], places, index, [0.0, *counted]))
    return Layout(
        ids=tuple(each for part in parts for each in part[0]),
        positions=tuple(place for part in parts for place in part[1]),
        answers=tuple(part[2] for part in parts for _ in part[0]),
        weights=tuple(float(weight) for part in parts for weight in part[3]),
    )


def collate(layouts: Sequence[Layout], pad_id: int) -> dict[str, torch.Tensor]:
    """Tensors of several layouts, padded on the right; padding sees itself only.

    ids, mask, positions, answers int64 [B, T], weights float32 [B, T], blocks bool [B, T, T].
    """
    answers = _padded([each.answers for each in layouts], PADDING)
    return {
        "ids": _padded([each.ids for each in layouts], pad_id),
        "mask": (answers != PADDING).long(),
        "weights": _padded([each.weights for each in layouts], 0.0),
        "positions": _padded([each.positions for each in layouts], 0),
        "blocks": _blocks(answers),
        "answers": answers,
    }


def per_answer(values_N: torch.Tensor, batch: Mapping[str, Any], answers: int) -> torch.Tensor:
    """Σ weight · value over the supervised tokens of each answer [B, A]; values as `token_logprobs` gives them."""
    rows, places = (batch["weights"][:, 1:] != 0).nonzero(as_tuple=True)
    whose, weights = batch["answers"][rows, places + 1], batch["weights"][rows, places + 1]
    sums = values_N.new_zeros(len(batch["weights"]) * answers)
    return sums.index_add(0, rows * answers + whose, values_N * weights.to(values_N.dtype)).view(-1, answers)


def shares(config: Any, longest: int) -> bool:
    """Whether a model's answers may share prompts whose plain sequences (prompt and one answer) have `longest` tokens.

    config: of transformers.  Layers that remember what they read in one state can't tell the answers apart; distances
    that are built from places and not from positions (alibi) would be wrong; a sliding window must not slide.
    """
    if config.model_type not in KNOWN or getattr(config, "alibi", False):
        return False
    windows = [getattr(config, name, None) for name in WINDOWS]
    return all(window is None or longest <= window for window in windows)


def _blocks(answers_BT: torch.Tensor) -> torch.Tensor:
    length = answers_BT.shape[1]
    seen, own = answers_BT[:, None, :], answers_BT[:, :, None]
    before = torch.ones(length, length, dtype=torch.bool, device=answers_BT.device).tril()
    readable = (seen == PROMPT) | ((seen == own) & (seen != PADDING))
    itself = torch.eye(length, dtype=torch.bool, device=answers_BT.device)
    return (before & readable & (own != PADDING)) | itself


def _padded(rows: Sequence[Sequence[Any]], fill: float) -> torch.Tensor:
    length = max((len(row) for row in rows), default=0)
    kind = torch.float32 if isinstance(fill, float) else torch.int64
    filled = [[*row, *[fill] * (length - len(row))] for row in rows]
    return torch.tensor(filled, dtype=kind).reshape(len(rows), length)
