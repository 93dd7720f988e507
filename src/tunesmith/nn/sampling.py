"""Chooses the next token of each row from its logits: the likeliest, or one drawn by the row's own number.

Axes: B rows, V words of the vocabulary.
"""

from __future__ import annotations

import torch

# where nearly all probability is held by few words, a whole sort of the vocabulary says nothing more than these
_SHORTLIST = 256


def choose(
    logits_BV: torch.Tensor, draws_B: torch.Tensor | None, temperature: float, top_p: float
) -> torch.Tensor:
    """Token ids int64 [B].

    logits_BV: float32, -inf where a word is not allowed.  draws_B: one uniform number in [0, 1) for each row, None for
    the likeliest token.  The same number and the same logits give the same token, whatever stands in other rows.
    """
    if draws_B is None:
        return logits_BV.argmax(-1)
    probs_BV = (logits_BV / temperature).softmax(-1)
    if top_p < 1.0:
        probs_BV = probs_BV.masked_fill(probs_BV < floor(probs_BV, top_p)[:, None], 0.0)
    return invert(probs_BV, draws_B)


def floor(probs_BV: torch.Tensor, top_p: float) -> torch.Tensor:
    """[B]: the smallest probability within the nucleus, the fewest likeliest words that together hold top_p.

    Words as likely as the last one all belong (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
    """
    best_BK = probs_BV.topk(min(_SHORTLIST, probs_BV.shape[-1])).values
    if best_BK.shape[-1] < probs_BV.shape[-1] and bool((best_BK.sum(-1) < top_p).any()):
        best_BK = probs_BV.sort(dim=-1, descending=True).values
    inside_B = (best_BK.cumsum(-1) < top_p).sum(-1).clamp(max=best_BK.shape[-1] - 1)
    return best_BK.gather(-1, inside_B[:, None])[:, 0]


def invert(weights_BV: torch.Tensor, draws_B: torch.Tensor) -> torch.Tensor:
    """Token ids [B]: the word at which the running sum of the weights passes the row's share of the whole.

    Summed in float64 and in the vocabulary's order, so that rounding and near-ties seldom move a border.
    """
    sums_BV = weights_BV.double().cumsum(-1)
    goals_B1 = draws_B.double()[:, None] * sums_BV[:, -1:]
    return torch.searchsorted(sums_BV, goals_B1, right=True)[:, 0].clamp(max=weights_BV.shape[-1] - 1)


def restrict(logits_BV: torch.Tensor, allowed_BW: torch.Tensor) -> torch.Tensor:
    """The logits with -inf for what is not allowed.  allowed_BW: bool; words beyond its width are not allowed."""
    width = min(allowed_BW.shape[-1], logits_BV.shape[-1])
    out_BV = torch.full_like(logits_BV, float("-inf"))
    out_BV[:, :width] = logits_BV[:, :width].masked_fill(~allowed_BW[:, :width], float("-inf"))
    return out_BV
