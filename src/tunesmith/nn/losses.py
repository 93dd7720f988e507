"""Loss functions as sums: whoever calls divides once by the global count."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def weighted_cross_entropy_sum(
    logits_BC: torch.Tensor, labels_B: torch.Tensor, weights_B: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """Σ weight · cross-entropy over rows with a label (label -1: no part in the loss), in float32.

    smoothing spreads that share of the target over all C labels (Szegedy et al. 2016, section 7).
    """
    labelled = labels_B >= 0
    logprobs_BC = F.log_softmax(logits_BC.float(), dim=-1)
    right_B = -logprobs_BC.gather(1, labels_B.clamp(min=0)[:, None])[:, 0]
    loss_B = (1 - smoothing) * right_B - smoothing * logprobs_BC.mean(dim=-1)
    return (loss_B * weights_B * labelled).sum()
