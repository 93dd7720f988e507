"""How far one distribution over the vocabulary is from another, chunk by chunk: no two full logits stay in memory.

Axes: N tokens, D features, V words of the vocabulary, K likeliest words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from tunesmith.nn.readout import Readout

CHUNK_WORDS = 1 << 22  # logits that exist at once

Logits = Callable[[torch.Tensor], torch.Tensor]  # states [N, D] → logits [N, V]


def supervised(net: Any, tensors: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(states that tell the supervised tokens [N, D], these tokens [N], their weights [N])."""
    states = net.hidden(tensors["ids"], tensors["mask"], tensors.get("positions"), tensors.get("blocks"))
    rows, places = (tensors["weights"][:, 1:] != 0).nonzero(as_tuple=True)
    return states[rows, places], tensors["ids"][rows, places + 1], tensors["weights"][rows, places + 1]


def logits_of(net: Any, shape: Readout) -> Logits:
    """The output matrix of a causal model.  shape: what its family does to states and products (`readout.of`)."""
    output = net.backbone.get_output_embeddings()
    return lambda states_ND: shape(output(states_ND * shape.before).float())


def kl_sum(
    first: Logits,
    first_ND: torch.Tensor,
    second: Logits,
    second_ND: torch.Tensor,
    weights_N: torch.Tensor,
    words: int,
) -> torch.Tensor:
    """Σ weight · KL(first ‖ second) in nats.  Gradient flows to the second alone; words: V.

    The backward pass computes the logits of a chunk again.
    """

    def part(own_ND: torch.Tensor, other_ND: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            known = torch.log_softmax(first(other_ND), dim=-1)
        asked = torch.log_softmax(second(own_ND), dim=-1)
        return (weights * (known.exp() * (known - asked)).sum(-1)).sum()

    pieces = zip(*(each.split(_chunk(words)) for each in (second_ND, first_ND, weights_N)), strict=True)
    return _added(checkpoint(part, *piece, use_reentrant=False) for piece in pieces)


def soft_sums(
    logits: Logits,
    states_ND: torch.Tensor,
    targets_N: torch.Tensor,
    top_NK: torch.Tensor,
    teacher_NK: torch.Tensor,
    rest_N: torch.Tensor,
    weights_N: torch.Tensor,
    temperature: float,
    words: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(Σ weight · nll of the targets, Σ weight · KL(teacher ‖ student) at a temperature).

    top_NK: the teacher's likeliest words; teacher_NK: their log-probabilities at that temperature; rest_N: that of all
    other words together, which count as one word.
    """

    def part(states: Any, targets: Any, top: Any, teacher: Any, rest: Any, weights: Any) -> torch.Tensor:
        raw = logits(states)
        hard = -torch.log_softmax(raw, -1).gather(1, targets[:, None])[:, 0]
        soft = torch.log_softmax(raw / temperature, -1)
        own = soft.gather(1, top)
        far = (teacher.exp() * (teacher - own)).sum(-1) + rest.exp() * (rest - _others(own))
        return torch.stack([(weights * hard).sum(), (weights * far).sum()])

    given = (states_ND, targets_N, top_NK, teacher_NK, rest_N, weights_N)
    pieces = zip(*(each.split(_chunk(words)) for each in given), strict=True)
    found = _added(
        (checkpoint(part, *piece, use_reentrant=False) for piece in pieces), states_ND.new_zeros(2)
    )
    return found[0], found[1]


def likeliest(
    logits: Logits, states_ND: torch.Tensor, count: int, temperature: float, words: int
) -> torch.Tensor:
    """[N, 2K + 1] in float32: the K likeliest words, their log-probabilities at a temperature, that of all others."""
    found = []
    for part in states_ND.split(_chunk(words)):
        best = torch.log_softmax(logits(part) / temperature, dim=-1).topk(count, dim=-1)
        found.append(torch.cat([best.indices.float(), best.values, _others(best.values)[:, None]], dim=-1))
    return torch.cat(found) if found else states_ND.new_zeros(0, 2 * count + 1)


def _others(logprobs_NK: torch.Tensor) -> torch.Tensor:
    """The log-probability of all words but these; where these are all, one in a million."""
    return torch.log(-torch.expm1(logprobs_NK.logsumexp(-1).clamp(max=-1e-6)))


def _chunk(words: int) -> int:
    return max(1, CHUNK_WORDS // words)


def _added(parts: Iterator[torch.Tensor], start: torch.Tensor | None = None) -> torch.Tensor:
    total = start
    for part in parts:
        total = part if total is None else total + part
    return torch.zeros(()) if total is None else total
