"""Losses of preference as sums over pairs or answers: whoever calls divides once by the global count.

Axes: P pairs, A answers; the last axis of [P, 2] is (chosen, rejected).  Log-probabilities are natural and are sums
over an answer's tokens.
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import logsigmoid


def answer_sums(
    logprobs_N: torch.Tensor, weights_N: torch.Tensor, answer_N: torch.Tensor, answers: int
) -> torch.Tensor:
    """Σ weight · log-probability of each answer [A], in float32.  answer_N: which answer each token belongs to."""
    start = torch.zeros(answers, dtype=torch.float32, device=logprobs_N.device)
    return start.index_add(0, answer_N, logprobs_N.float() * weights_N)


def margin(policy_P2: torch.Tensor, reference_P2: torch.Tensor) -> torch.Tensor:
    """[P]: by how much the policy has moved from the rejected towards the chosen answer, in nats."""
    moved_P2 = policy_P2 - reference_P2
    return moved_P2[:, 0] - moved_P2[:, 1]


def dpo_sum(margin_P: torch.Tensor, beta: float, smoothing: float) -> torch.Tensor:
    """Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, equation 7).

    smoothing: the share of pairs whose order is held to be wrong (conservative DPO, Mitchell 2023).
    """
    right_P, wrong_P = logsigmoid(beta * margin_P), logsigmoid(-beta * margin_P)
    return -((1 - smoothing) * right_P + smoothing * wrong_P).sum()


def ipo_sum(margin_P: torch.Tensor, beta: float) -> torch.Tensor:
    """Identity preference optimisation (Azar et al. 2023, arXiv 2310.12036, equation 17): the margin is drawn to
    1 ÷ 2β, however sure the preference is, where DPO would push it without end."""
    return (margin_P - 1 / (2 * beta)).square().sum()


def simpo_sum(mean_P2: torch.Tensor, beta: float, gamma: float) -> torch.Tensor:
    """Simple preference optimisation (Meng et al. 2024, arXiv 2405.14734, equation 6) of mean log-probabilities."""
    return -logsigmoid(beta * (mean_P2[:, 0] - mean_P2[:, 1]) - gamma).sum()


def log_odds(mean_P2: torch.Tensor) -> torch.Tensor:
    """log(p ÷ (1 − p)) where p is the mean token probability (geometric), from its logarithm."""
    below = mean_P2.clamp(max=-1e-6)  # p = 1 has no odds
    # 1 − e^x by whichever of the two forms keeps its digits
    near = torch.log(-torch.expm1(below.clamp(min=-math.log(2))))
    far = torch.log1p(-torch.exp(below.clamp(max=-math.log(2))))
    return below - torch.where(below > -math.log(2), near, far)


def orpo_sum(mean_P2: torch.Tensor) -> torch.Tensor:
    """The odds ratio term (Hong et al. 2024, arXiv 2403.07691, equation 7) of mean log-probabilities."""
    odds_P2 = log_odds(mean_P2)
    return -logsigmoid(odds_P2[:, 0] - odds_P2[:, 1]).sum()


def kto_sum(
    moved_A: torch.Tensor,
    wanted_A: torch.Tensor,
    baseline: torch.Tensor,
    beta: float,
    desirable: float,
    undesirable: float,
) -> torch.Tensor:
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306, equation 8): Σ λ − value.

    moved_A: log-probability by the policy less that by the reference.  wanted_A: booleans.  baseline: the estimate of
    the divergence between the two (no gradient flows through it).  desirable, undesirable: the weights λ.
    """
    away_A = torch.where(wanted_A, moved_A - baseline, baseline - moved_A)
    weight_A = torch.where(wanted_A, desirable, undesirable).to(away_A.dtype)
    return (weight_A * (1 - torch.sigmoid(beta * away_A))).sum()


def bradley_terry_sum(reward_P2: torch.Tensor) -> torch.Tensor:
    """−Σ log P(chosen is better), P being the logistic of the rewards' difference (Bradley & Terry 1952)."""
    return -logsigmoid(reward_P2[:, 0] - reward_P2[:, 1]).sum()
